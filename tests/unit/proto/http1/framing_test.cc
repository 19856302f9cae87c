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

TEST(Http1Framing, DeclaresNoLengthWhereThereCanBeNoBody) {
  struct ResponseCase {
    std::uint16_t status;
    http::Method asked;
    bool keeps_length;
  };
  constexpr ResponseCase kCases[] = {
      {200, http::Method::kHead, true}, {304, http::Method::kGet, true},  {204, http::Method::kGet, false},
      {100, http::Method::kGet, false}, {101, http::Method::kGet, false}, {200, http::Method::kConnect, false},
  };
  for (const ResponseCase& one : kCases) {
    http::ResponseHead head;
    head.set_status(one.status);
    head.fields().add(FieldId::kContentLength, "5");
    head.fields().add(FieldId::kTransferEncoding, "chunked");
    const http::Parsed<Framing> framing = response_framing(head, one.asked);
    ASSERT_EQ(framing, Framing::none());
    declare_framing(head, one.asked, *framing);
    EXPECT_EQ(head.fields().has(FieldId::kContentLength), one.keeps_length) << one.status;
    EXPECT_FALSE(head.fields().has(FieldId::kTransferEncoding)) << one.status;
  }
  http::ResponseHead head;
  head.set_status(200);
  declare_framing(head, http::Method::kGet, Framing::of_length(5));
  EXPECT_EQ(head.fields().find(FieldId::kContentLength), "5");
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
