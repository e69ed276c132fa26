#define BOOST_TEST_MODULE node_core
#include <boost/test/unit_test.hpp>
