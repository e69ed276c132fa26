#define BOOST_TEST_MODULE sgd_learn
#include <boost/test/unit_test.hpp>
