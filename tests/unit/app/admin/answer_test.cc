// The admin's answers from slabs as the supervisor shows them.
#include "app/admin/answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "ipc/metrics.h"
#include "ipc/supervisor_metrics.h"
#include "tests/unit/app/admin/page.h"

namespace sluice::admin {
namespace {

using nlohmann::json;

/// The supervisor with one tenant of two workers, and one of the workers.
class Fleet {
 public:
  Fleet() : own_(own_slab_), first_(first_slab_) {
    own_.gauge(ipc::kDrainingMetric, "Draining.", {}).set(0);
    own_.gauge(ipc::kWorkersMetric, "Workers.", {{ipc::kOfTenant, "acme"}}).set(2);
    say_ready(2);
    first_.counter("x_total", "X.", {}).add(42);
    EXPECT_TRUE(slabs_.add({.items = {{.tenant = "acme", .worker_index = 0}, {.tenant = ""}}},
                           both(first_fd_.duplicate(), own_fd_.duplicate())));
  }
  void say_ready(std::int64_t count) {
    own_.gauge(ipc::kWorkersReadyMetric, "Ready workers.", {{ipc::kOfTenant, "acme"}}).set(count);
  }
  void say_draining() { own_.gauge(ipc::kDrainingMetric, "Draining.", {}).set(1); }
  [[nodiscard]] SlabSet& slabs() { return slabs_; }
  [[nodiscard]] Answer get(std::string_view path, std::string_view query = "") const {
    return answer("GET", path, query, slabs_);
  }
  void damage() const {
    const std::array<char, 8> zeros{};
    ASSERT_EQ(::pwrite(first_fd_.get(), zeros.data(), zeros.size(), 0), 8);
  }

 private:
  static std::vector<Fd> both(Result<Fd> a, Result<Fd> b) {
    std::vector<Fd> fds;
    fds.push_back(*std::move(a));
    fds.push_back(*std::move(b));
    return fds;
  }
  Fd own_fd_ = *ipc::make_slab("own", 1);
  Fd first_fd_ = *ipc::make_slab("acme/0", 16);
  ipc::Slab own_slab_ = *ipc::Slab::attach(own_fd_.get());
  ipc::Slab first_slab_ = *ipc::Slab::attach(first_fd_.get());
  ipc::MetricsWriter own_;
  ipc::MetricsWriter first_;
  SlabSet slabs_;
};

TEST(AdminAnswer, MetricsOfEveryWorkerOrSummed) {
  const Fleet fleet;
  const Answer each = fleet.get("/metrics");
  EXPECT_EQ(each.status, 200);
  EXPECT_THAT(each.content_type, testing::HasSubstr("version=0.0.4"));
  EXPECT_EQ(parse_page(each.body).samples.at(R"(x_total{tenant="acme",worker="0"})"), 42);
  EXPECT_EQ(parse_page(each.body).samples.at(R"(sluice_workers_ready{tenant="acme"})"), 2);
  EXPECT_EQ(parse_page(fleet.get("/metrics", "by=tenant").body).samples.at(R"(x_total{tenant="acme"})"), 42);
  EXPECT_EQ(fleet.get("/metrics", "by=moon").status, 400);
}

TEST(AdminAnswer, ReadyFollowsWhatTheSupervisorSays) {
  Fleet fleet;
  EXPECT_EQ(fleet.get("/ready").status, 200);
  fleet.say_ready(1);
  const Answer not_ready = fleet.get("/ready");
  EXPECT_EQ(not_ready.status, 503);
  EXPECT_THAT(json::parse(not_ready.body).at("reasons"), testing::ElementsAre("tenant acme: 1 of 2 workers ready"));
  fleet.say_ready(2);
  EXPECT_EQ(fleet.get("/ready").status, 200);
  fleet.say_draining();
  EXPECT_EQ(fleet.get("/ready").status, 503);
  EXPECT_EQ(fleet.get("/live").status, 200) << "draining is still alive";
}

TEST(AdminAnswer, IsNotReadyBeforeTheSupervisorHasSpoken) {
  const SlabSet nothing;
  EXPECT_EQ(answer("GET", "/ready", "", nothing).status, 503);
  EXPECT_EQ(answer("GET", "/live", "", nothing).status, 200);
  EXPECT_EQ(answer("GET", "/metrics", "", nothing).status, 200);
}

TEST(AdminAnswer, ADamagedSlabHidesOnlyItself) {
  const Fleet fleet;
  fleet.damage();
  const Page page = parse_page(fleet.get("/metrics").body);
  EXPECT_EQ(page.samples.at(R"(sluice_metrics_rejected{tenant="acme",worker="0"})"), 1);
  EXPECT_EQ(page.samples.at(R"(sluice_workers{tenant="acme"})"), 2);
  EXPECT_EQ(fleet.get("/ready").status, 200);
}

TEST(AdminAnswer, ASlabForAKnownSlotReplacesTheOldOne) {
  Fleet fleet;
  const Fd fresh = *ipc::make_slab("acme/0", 16);
  ipc::Slab slab = *ipc::Slab::attach(fresh.get());
  ipc::MetricsWriter writer(slab);
  writer.counter("x_total", "X.", {}).add(1);
  std::vector<Fd> fds;
  fds.push_back(*fresh.duplicate());
  ASSERT_TRUE(fleet.slabs().add({.items = {{.tenant = "acme", .worker_index = 0}}}, std::move(fds)));
  EXPECT_EQ(parse_page(fleet.get("/metrics").body).samples.at(R"(x_total{tenant="acme",worker="0"})"), 1);
}

TEST(AdminAnswer, RefusesSlabsThatAreNone) {
  SlabSet slabs;
  EXPECT_FALSE(slabs.add({.items = {{.tenant = "acme"}}}, {}));
  std::vector<Fd> fds;
  fds.emplace_back(::dup(STDIN_FILENO));
  EXPECT_FALSE(slabs.add({.items = {{.tenant = "acme"}}}, std::move(fds)));
}

TEST(AdminAnswer, KnowsItsPathsAndMethods) {
  const Fleet fleet;
  EXPECT_EQ(fleet.get("/").status, 404);
  EXPECT_EQ(fleet.get("/metricsx").status, 404);
  EXPECT_EQ(answer("HEAD", "/live", "", SlabSet()).status, 200);
  EXPECT_EQ(answer("POST", "/metrics", "", SlabSet()).status, 405);
}

}  // namespace
}  // namespace sluice::admin
