// The one unit that compiles what Asio, its TLS part and Beast would otherwise put into every unit
// that includes them.
#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
#include <boost/beast/src.hpp>
