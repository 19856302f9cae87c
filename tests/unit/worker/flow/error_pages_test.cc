#include "worker/flow/error_pages.h"

#include <gtest/gtest.h>

#include "tests/unit/worker/flow/request_fixture.h"

namespace sluice::worker {
namespace {

const std::vector<ipc::ErrorPageSettings> kPages = {
    {.statuses = {404}, .type = ipc::PageType::kHtml, .file = {}, .text = "<h1>${status} ${reason}</h1>${path}"},
    {.statuses = {},
     .type = ipc::PageType::kJson,
     .file = {},
     .text = R"({"status":${status},"path":"${path}","id":"${request_id}"})"},
    {.statuses = {}, .type = ipc::PageType::kHtml, .file = {}, .text = "<p>${status}"},
};

std::string page(std::uint16_t status, std::string_view accept, std::string_view target = "/") {
  RequestFixture f(target);
  if (!accept.empty()) EXPECT_TRUE(f.request.fields().add("Accept", accept));
  const ErrorPages::Body body = ErrorPages(kPages).body(f.facts(status));
  return std::string(body.type.substr(0, body.type.find(';'))) + " " + body.text;
}

TEST(ErrorPages, TakeTheFirstThatIsMeantAndAccepted) {
  EXPECT_EQ(page(404, ""), "text/html <h1>404 Not Found</h1>/");
  EXPECT_EQ(page(502, ""), R"(application/json {"status":502,"path":"/","id":"17-3"})");
  EXPECT_EQ(page(502, "text/html, */*;q=0.1"), R"(application/json {"status":502,"path":"/","id":"17-3"})");
  EXPECT_EQ(page(502, "text/*"), "text/html <p>502");
  EXPECT_EQ(page(404, "application/json"), R"(application/json {"status":404,"path":"/","id":"17-3"})");
  EXPECT_EQ(page(404, "text/html;q=0, */*"), R"(application/json {"status":404,"path":"/","id":"17-3"})");
  EXPECT_EQ(page(404, "image/png"), "text/plain 404 Not Found\n");
}

TEST(ErrorPages, EscapeWhatCameFromTheNetwork) {
  EXPECT_EQ(page(404, "", "/<script>'\"&"), "text/html <h1>404 Not Found</h1>/&lt;script&gt;&#39;&quot;&amp;");
  EXPECT_EQ(page(502, "", "/\"\\x"), R"(application/json {"status":502,"path":"/\"\\x","id":"17-3"})");
}

TEST(ErrorPages, AreALineOfTextByDefault) {
  const RequestFixture f("/");
  const ErrorPages::Body body = ErrorPages({}).body(f.facts(431));
  EXPECT_EQ(body.type, "text/plain; charset=utf-8");
  EXPECT_EQ(body.text, "431 Request Header Fields Too Large\n");
}

TEST(Accept, IsDecidedByTheClosestRange) {
  const auto takes = [](std::string_view accept, std::string_view type) {
    http::Fields fields;
    EXPECT_TRUE(fields.add("Accept", accept));
    return accepts(fields, type);
  };
  EXPECT_TRUE(takes("TEXT/HTML", "text/html; charset=utf-8"));
  EXPECT_TRUE(takes("text/html; q=0.0, text/*", "text/plain"));
  EXPECT_FALSE(takes("text/*, text/html; q=0.000", "text/html"));
  EXPECT_FALSE(takes("*/*;q=0", "text/html"));
  EXPECT_FALSE(takes("text", "text/html"));
  EXPECT_TRUE(takes("*/*;level=1;q=1", "text/html"));
}

}  // namespace
}  // namespace sluice::worker
