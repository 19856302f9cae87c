#include "worker/offramp/router.h"

#include <gtest/gtest.h>

namespace sluice::worker {
namespace {

class RouterTest : public testing::Test {
 protected:
  void route(std::vector<std::string> hosts, const std::string& path, const std::string& upstream) {
    ipc::RouteSettings route;
    route.hosts = std::move(hosts);
    route.path = path;
    route.upstream = upstream;
    routes_.push_back(std::move(route));
    ipc::UpstreamSettings& settings = *settings_.emplace_back(std::make_unique<ipc::UpstreamSettings>());
    settings.name = upstream;
    settings.servers = {"127.0.0.1:80"};
    groups_.push_back(std::make_shared<UpstreamGroup>(settings, 0));
  }
  [[nodiscard]] std::string find(std::string_view host, std::string_view path) const {
    const UpstreamGroup* group =
        Router(routes_, groups_, std::vector<RouteIndex>(routes_.size())).find(host, path).group;
    return group != nullptr ? std::string(group->name()) : "nobody";
  }

  std::vector<ipc::RouteSettings> routes_;
  std::vector<std::unique_ptr<ipc::UpstreamSettings>> settings_;
  UpstreamGroups groups_;
};

TEST_F(RouterTest, TheNarrowestHostWins) {
  route({}, "/", "any");
  route({"*.example"}, "/", "below");
  route({"*.a.example"}, "/", "further below");
  route({"www.a.example", "second.example"}, "/", "exact");
  EXPECT_EQ(find("www.a.example", "/"), "exact");
  EXPECT_EQ(find("WWW.A.Example.", "/"), "exact") << "names have no case, and may end in a dot";
  EXPECT_EQ(find("second.example", "/"), "exact");
  EXPECT_EQ(find("x.a.example", "/"), "further below");
  EXPECT_EQ(find("a.example", "/"), "below");
  EXPECT_EQ(find("example", "/"), "any") << "*.example is not example itself";
  EXPECT_EQ(find("notexample", "/"), "any");
  EXPECT_EQ(find("", "/"), "any");
}

TEST_F(RouterTest, TheLongestPathOfWholeSegmentsWins) {
  route({"a.example"}, "/", "all");
  route({"a.example"}, "/api", "api");
  route({"a.example"}, "/api/v2/", "v2");
  EXPECT_EQ(find("a.example", "/api"), "api");
  EXPECT_EQ(find("a.example", "/api/v2"), "api");
  EXPECT_EQ(find("a.example", "/api/v2/x"), "v2");
  EXPECT_EQ(find("a.example", "/apis"), "all");
  EXPECT_EQ(find("b.example", "/api"), "nobody");
}

}  // namespace
}  // namespace sluice::worker
