// What origins write into Keep-Alive.
#include "proto/http/keep_alive.h"

#include <gtest/gtest.h>

namespace sluice::http {
namespace {

KeepAliveHint hint_of(std::string_view value) {
  Fields fields;
  fields.add(FieldId::kKeepAlive, value);
  return keep_alive_hint(fields);
}

TEST(KeepAlive, ReadsTimeoutAndMax) {
  const KeepAliveHint hint = hint_of("timeout=5, MAX=100");
  EXPECT_EQ(hint.timeout_seconds, 5U);
  EXPECT_EQ(hint.most_requests, 100U);
}

TEST(KeepAlive, NoFieldIsNoHint) {
  Fields fields;
  EXPECT_FALSE(keep_alive_hint(fields).timeout_seconds);
  EXPECT_FALSE(keep_alive_hint(fields).most_requests);
}

TEST(KeepAlive, WhatIsNoNumberIsLeftOut) {
  for (const std::string_view value :
       {"timeout", "timeout=", "timeout=x", "timeout=-1", "timeout=5s", "timeout=99999999999", "timeout = 5", "300"})
    EXPECT_FALSE(hint_of(value).timeout_seconds) << value;
}

}  // namespace
}  // namespace sluice::http
