// What goes on the wire, and that it is read back as what it was.
#include "proto/http1/writer.h"

#include <gtest/gtest.h>

#include <string>

#include "proto/http/semantics.h"
#include "proto/http1/body_decoder.h"
#include "proto/http1/head_parser.h"
#include "tests/unit/proto/http1/feeding.h"

namespace sluice::http1 {
namespace {
using http::FieldId;
using http::TargetForm;

std::string written(const http::RequestHead& head, TargetForm form) {
  Buffer out;
  write_request_head(out, head, form);
  return std::string(out.view());
}
std::string written(const http::ResponseHead& head) {
  Buffer out;
  write_response_head(out, head);
  return std::string(out.view());
}

TEST(Http1Writer, WritesARequestInEachForm) {
  const FedRequest fed =
      parse_request("GET http://o.example:81/p?q HTTP/1.0\r\nAccept: x\r\nhost: other\r\nX-Empty:\r\n\r\n");
  ASSERT_TRUE(fed.outcome);
  EXPECT_EQ(written(*fed.head, TargetForm::kOrigin),
            "GET /p?q HTTP/1.1\r\nHost: o.example:81\r\nAccept: x\r\nX-Empty: \r\n\r\n");
  EXPECT_EQ(written(*fed.head, TargetForm::kAbsolute),
            "GET http://o.example:81/p?q HTTP/1.1\r\nHost: o.example:81\r\nAccept: x\r\nX-Empty: \r\n\r\n");
}

TEST(Http1Writer, WritesConnectWithTheAuthority) {
  const FedRequest fed = parse_request("CONNECT [::1]:443 HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(written(*fed.head, TargetForm::kAuthority), "CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\r\n");
}

TEST(Http1Writer, WritesOptionsOfTheServerAsAWhole) {
  const FedRequest asterisk = parse_request("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(written(*asterisk.head, TargetForm::kOrigin), "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
  const FedRequest absolute = parse_request("OPTIONS http://a HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(written(*absolute.head, TargetForm::kOrigin), "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(written(*absolute.head, TargetForm::kAbsolute), "OPTIONS http://a HTTP/1.1\r\nHost: a\r\n\r\n");
}

TEST(Http1Writer, WritesChangesOfTheTarget) {
  const FedRequest fed = parse_request("GET /old HTTP/1.1\r\nHost: old\r\n\r\n");
  ASSERT_TRUE(fed.head->set_authority("new.example:8080"));
  ASSERT_TRUE(fed.head->set_path("/new?x=1"));
  ASSERT_TRUE(fed.head->set_method("PUT"));
  EXPECT_EQ(written(*fed.head, TargetForm::kOrigin), "PUT /new?x=1 HTTP/1.1\r\nHost: new.example:8080\r\n\r\n");
}

TEST(Http1Writer, WritesOneHostWhateverTheFieldsSay) {
  const FedRequest fed = parse_request("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(fed.head->fields().add("Host", "b"));
  ASSERT_TRUE(fed.head->fields().add("host", "c"));
  EXPECT_EQ(written(*fed.head, TargetForm::kOrigin), "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
}

TEST(Http1Writer, WritesNoRemovedField) {
  const FedRequest fed =
      parse_request("GET / HTTP/1.1\r\nHost: a\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nX-End: 2\r\n\r\n");
  http::Fields& fields = fed.head->fields();
  const http::ConnectionFacts facts = http::read_connection(fields, fed.head->version());
  ASSERT_TRUE(http::remove_hop_by_hop(fields, http::Direction::kRequest, facts));
  EXPECT_EQ(written(*fed.head, TargetForm::kOrigin), "GET / HTTP/1.1\r\nHost: a\r\nX-End: 2\r\n\r\n");
}

TEST(Http1Writer, WritesAResponse) {
  http::ResponseHead head;
  head.set_status(404);
  head.fields().add(FieldId::kContentLength, "0");
  EXPECT_EQ(written(head), "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
  head.set_status(299);
  EXPECT_EQ(written(head), "HTTP/1.1 299 \r\nContent-Length: 0\r\n\r\n");
}

TEST(Http1Writer, AppendsToWhatIsInTheBuffer) {
  Buffer out;
  out.append("before|");
  write_continue(out);
  EXPECT_EQ(out.view(), "before|HTTP/1.1 100 Continue\r\n\r\n");
}

TEST(Http1Writer, WritesChunksThatAreReadBack) {
  Buffer out;
  const std::string large(70000, 'x');  // more than a block
  write_chunk(out, "hello");
  write_chunk(out, large);
  write_chunk_prefix(out, 3);
  out.append("abc");
  out.append(kChunkSuffix);
  http::Fields trailers;
  ASSERT_TRUE(trailers.add("X-Sum", "1"));
  write_last_chunk(out, trailers);

  BodyDecoder decoder(Framing::chunked());
  std::string body;
  std::string_view rest = out.view();
  while (!decoder.done()) {
    const auto step = decoder.decode(rest);
    ASSERT_TRUE(step);
    body += step->data;
    rest.remove_prefix(step->consumed);
  }
  EXPECT_EQ(body, "hello" + large + "abc");
  EXPECT_EQ(decoder.trailers().find("x-sum"), "1");
  EXPECT_TRUE(rest.empty());
}

TEST(Http1Writer, WritesTheLargestChunkPrefix) {
  Buffer out;
  write_chunk_prefix(out, UINT64_MAX);
  EXPECT_EQ(out.view(), "ffffffffffffffff\r\n");
  EXPECT_EQ(out.size(), kChunkPrefixMax);
}

TEST(Http1WriterDeathTest, RefusesAnEmptyChunk) {
  Buffer out;
  EXPECT_DEATH(write_chunk(out, ""), "empty chunk");
}

}  // namespace
}  // namespace sluice::http1
