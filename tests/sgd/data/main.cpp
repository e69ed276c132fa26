#define BOOST_TEST_MODULE sgd_data
#include <boost/test/unit_test.hpp>
