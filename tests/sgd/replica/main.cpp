#define BOOST_TEST_MODULE sgd_replica
#include <boost/test/unit_test.hpp>
