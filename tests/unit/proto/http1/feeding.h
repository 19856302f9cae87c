// Feeding a parser in every way that a network can: whole, split at every position, byte by byte.
//
// The parser must give the same answer each time; parse_request() and parse_response() fail the test when it does not.
#pragma once
#include <gtest/gtest.h>

#include <cstddef>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>

#include "proto/http1/head_parser.h"

namespace sluice::http {
inline std::ostream& operator<<(std::ostream& out, Fault fault) {
  return out << facts(fault).name;
}
}  // namespace sluice::http

namespace sluice::http1 {

template <class Head>
struct Fed {
  http::Parsed<std::size_t> outcome = 0;  // bytes consumed, 0 when the head was never complete
  std::unique_ptr<Head> head = std::make_unique<Head>();
};
using FedRequest = Fed<http::RequestHead>;
using FedResponse = Fed<http::ResponseHead>;

// Two pieces, the second holding all: `first` bytes, then everything. 0 feeds whole.
template <class Parser, class Head>
Fed<Head> feed_split(std::string_view bytes, std::size_t first, const HeadLimits& limits) {
  Fed<Head> fed;
  Parser parser(limits);
  if (first != 0) {
    fed.outcome = parser.parse(bytes.substr(0, first), *fed.head);
    if (!fed.outcome || *fed.outcome != 0) return fed;
  }
  fed.outcome = parser.parse(bytes, *fed.head);
  return fed;
}

template <class Parser, class Head>
Fed<Head> feed_bytewise(std::string_view bytes, const HeadLimits& limits) {
  Fed<Head> fed;
  Parser parser(limits);
  for (std::size_t size = 1; size <= bytes.size(); ++size) {
    const std::string piece(bytes.substr(0, size));  // an exact allocation, so that ASan sees a read beyond it
    fed.outcome = parser.parse(piece, *fed.head);
    if (!fed.outcome || *fed.outcome != 0) break;
  }
  return fed;
}

template <class Parser, class Head>
Fed<Head> feed_every_way(std::string_view bytes, const HeadLimits& limits) {
  Fed<Head> whole = feed_split<Parser, Head>(bytes, 0, limits);
  for (std::size_t first = 1; first < bytes.size(); ++first) {
    const Fed<Head> split = feed_split<Parser, Head>(bytes, first, limits);
    EXPECT_EQ(whole.outcome, split.outcome) << "split after " << first << " of:\n" << bytes;
  }
  EXPECT_EQ(whole.outcome, (feed_bytewise<Parser, Head>(bytes, limits).outcome)) << "byte by byte:\n" << bytes;
  return whole;
}

inline FedRequest parse_request(std::string_view bytes, const HeadLimits& limits = {}) {
  return feed_every_way<RequestParser, http::RequestHead>(bytes, limits);
}
inline FedResponse parse_response(std::string_view bytes, const HeadLimits& limits = {}) {
  return feed_every_way<ResponseParser, http::ResponseHead>(bytes, limits);
}

}  // namespace sluice::http1
