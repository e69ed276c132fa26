#pragma once

#include <boost/asio/post.hpp>
#include <utility>

#include "daemon/node.hpp"

namespace hogwild::daemon {

template <typename Job, typename Then>
void Node::in_background(Job job, Then then) {
  boost::asio::post(background_, [this, job = std::move(job), then = std::move(then)]() mutable {
    auto result = job();
    boost::asio::post(context_, [result = std::move(result), then = std::move(then)]() mutable {
      then(std::move(result));
    });
  });
}

}  // namespace hogwild::daemon
