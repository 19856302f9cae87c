// What is written about framing; what is read of it is in smuggling_test.cc.
#include "proto/http1/framing.h"

#include <gtest/gtest.h>

namespace sluice::http1 {
namespace {
using http::FieldId;

struct Case {
  Framing framing;
  std::optional<std::string_view> length;
  std::optional<std::string_view> coding;
};

TEST(Http1Framing, DeclaresExactlyOneFraming) {
  const Case cases[] = {
      {Framing::of_length(0), "0", std::nullopt},    {Framing::of_length(1234567890123), "1234567890123", std::nullopt},
      {Framing::chunked(), std::nullopt, "chunked"}, {Framing::until_close(), std::nullopt, std::nullopt},
      {Framing::none(), "7", std::nullopt},  // the length of what HEAD did not send
  };
  for (const Case& one : cases) {
    http::Fields fields;
    ASSERT_TRUE(fields.add("Content-Length", "7"));
    ASSERT_TRUE(fields.add("Transfer-Encoding", "gzip"));
    ASSERT_TRUE(fields.add("Transfer-Encoding", "chunked"));
    declare_framing(fields, one.framing);
    EXPECT_EQ(fields.find(FieldId::kContentLength), one.length);
    EXPECT_EQ(fields.find(FieldId::kTransferEncoding), one.coding);
    EXPECT_LE(fields.count(FieldId::kContentLength), 1U);
    EXPECT_LE(fields.count(FieldId::kTransferEncoding), 1U);
  }
}

TEST(Http1Framing, KnowsWhenNoByteIsToCome) {
  EXPECT_TRUE(Framing::none().empty());
  EXPECT_TRUE(Framing::of_length(0).empty());
  EXPECT_FALSE(Framing::of_length(1).empty());
  EXPECT_FALSE(Framing::chunked().empty());
  EXPECT_FALSE(Framing::until_close().empty());
}

}  // namespace
}  // namespace sluice::http1
