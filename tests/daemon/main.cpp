#define BOOST_TEST_MODULE daemon_base
#include <boost/test/unit_test.hpp>
