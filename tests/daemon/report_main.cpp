#define BOOST_TEST_MODULE daemon_report
#include <boost/test/unit_test.hpp>
