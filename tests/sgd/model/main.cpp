#define BOOST_TEST_MODULE sgd_model
#include <boost/test/unit_test.hpp>
