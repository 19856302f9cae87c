#include "worker/flow/route_rules.h"

#include <gtest/gtest.h>

#include "tests/unit/worker/flow/request_fixture.h"

namespace sluice::worker {
namespace {

std::string rewritten(std::string_view path, std::string_view replace, std::string_view target) {
  ipc::RouteSettings settings;
  settings.path = path;
  settings.replace_path = replace;
  RequestFixture f(target);
  const Result<> done = RouteRules(settings).rewrite(f.request);
  return done ? std::string(f.request.path_and_query()) : std::string("error");
}

TEST(RouteRules, AreNoneWhenNothingIsConfigured) {
  EXPECT_EQ(RouteRules::make({.upstream = "origin"}), nullptr);
}

TEST(RouteRules, ReplaceThePathOnWholeSegments) {
  EXPECT_EQ(rewritten("/api", "/v2", "/api/x?y=/api"), "/v2/x?y=/api");
  EXPECT_EQ(rewritten("/api", "/", "/api/x"), "/x");
  EXPECT_EQ(rewritten("/api", "/", "/api"), "/");
  EXPECT_EQ(rewritten("/api", "/", "/api?q"), "/?q");
  EXPECT_EQ(rewritten("/api/", "/v2/", "/api/x"), "/v2/x");
  EXPECT_EQ(rewritten("/", "/app", "/x"), "/app/x");
  EXPECT_EQ(rewritten("/", "/app", "/"), "/app/");
  EXPECT_EQ(rewritten("/a", "", "/a/x"), "/a/x");
  EXPECT_EQ(rewritten("/api", "/", "/api//x"), "//x");
}

TEST(RouteRules, DoNotLetAPathClimbOutOfWhatReplacesIt) {
  for (const std::string_view target :
       {"/api/../x", "/api/..", "/api/%2e%2E/x", "/api/.%2e", "/api/./x", "/api/x\\..\\y"})
    EXPECT_EQ(rewritten("/api", "/v2", target), "error") << target;
  EXPECT_EQ(rewritten("/api", "/v2", "/api/...?a=/../"), "/v2/...?a=/../");
  EXPECT_EQ(rewritten("/api", "", "/api/../x"), "/api/../x");
}

TEST(RouteRules, RemoveSetAndAddFields) {
  ipc::RouteSettings settings;
  settings.upstream = "origin";
  settings.request_fields.remove = {"X-Gone", "Cookie"};
  settings.request_fields.set = {
      {"X-Client", "${client} ${request_id}"}, {"X-Host", "${host}|${authority}"}, {"X-User", "${user}"}};
  settings.request_fields.add = {{"X-Many", "${method} ${scheme} ${path} ${query} ${target} ${endpoint}"}};
  RequestFixture f(
      "/p?q=1",
      {{"x-gone", "1"}, {"Cookie", "c"}, {"X-Client", "spoofed"}, {"x-client", "twice"}, {"X-Many", "first"}});
  const std::unique_ptr<RouteRules> rules = RouteRules::make(settings);
  ASSERT_NE(rules, nullptr);
  http::Fields& fields = f.request.fields();
  rules->request_fields().apply(fields, f.facts());
  EXPECT_FALSE(fields.has("x-gone"));
  EXPECT_FALSE(fields.has(http::FieldId::kCookie));
  EXPECT_EQ(fields.find("X-Client"), "192.0.2.1 17-3");
  EXPECT_EQ(fields.count("X-Client"), 1U);
  EXPECT_EQ(fields.find("X-Host"), "web.test|web.test:8080");
  EXPECT_EQ(fields.find("X-User"), "");
  EXPECT_EQ(fields.count("X-Many"), 2U);
  EXPECT_TRUE(rules->response_fields().empty());
}

std::string location(std::string_view to, std::string_view target) {
  ipc::RouteSettings settings;
  settings.redirect.to = to;
  const RouteRules rules(settings);
  EXPECT_TRUE(rules.answers());
  EXPECT_EQ(rules.status(), 308);
  const RequestFixture f(target);
  http::Fields fields;
  rules.fill(fields, f.facts());
  return std::string(fields.find(http::FieldId::kLocation).value_or("none"));
}

TEST(RouteRules, RedirectWithoutNamingAnotherHostByAccident) {
  EXPECT_EQ(location("https://${host}${target}", "/a?b"), "https://web.test/a?b");
  EXPECT_EQ(location("/new", "/old"), "/new");
  EXPECT_EQ(location("${path}/", "//evil.test"), "/evil.test/");
  EXPECT_EQ(location("/${path}", "/evil.test"), "/evil.test");
  EXPECT_EQ(location("${target}", "/\\evil.test"), "/evil.test");
  EXPECT_EQ(location("${path}", "//"), "/");
}

TEST(RouteRules, AnswerWithWhatIsWritten) {
  ipc::RouteSettings settings;
  settings.respond = {.status = 503, .body = "later ${x}\n", .fields = {{"Retry-After", "60"}}};
  const RouteRules rules(settings);
  const RequestFixture f("/");
  http::Fields fields;
  rules.fill(fields, f.facts());
  EXPECT_EQ(rules.status(), 503);
  EXPECT_EQ(rules.body(), "later ${x}\n");
  EXPECT_EQ(fields.find(http::FieldId::kRetryAfter), "60");
  EXPECT_EQ(fields.find(http::FieldId::kContentType), "text/plain; charset=utf-8");
}

}  // namespace
}  // namespace sluice::worker
