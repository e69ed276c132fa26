#define BOOST_TEST_MODULE stream_port
#include <boost/test/unit_test.hpp>
