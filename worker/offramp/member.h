// Member: a server as its group and the balancer see it: what it may get, what it has, how it is. Plain data; owned by
// the group (upstream.h), which never moves it.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "worker/offramp/health.h"
#include "worker/offramp/origin_server.h"

namespace sluice::worker {

struct Member {
  static constexpr std::uint32_t kFullShare = 100;  ///< percent of its weight: less while it warms up

  OriginServer* server = nullptr;
  std::uint32_t base_weight = 1;      ///< of the configuration
  std::uint32_t weight = kFullShare;  ///< in force now: base_weight times its share
  std::uint32_t limit = 0;            ///< most places; 0: no limit
  std::uint32_t places = 0;           ///< requests that have it now
  bool active = true;                 ///< the configuration wants it used
  bool serving = true;                ///< gets new requests
  std::int64_t credit = 0;            ///< of the smooth weighted round robin
  Health health;
  Nanos warming_since{0};  ///< 0: has its whole share

  std::uint64_t requests = 0;
  std::uint64_t failures = 0;
  std::optional<Code> last_error;  ///< of a request or a probe
  Nanos last_error_at{0};

  [[nodiscard]] bool has_room() const { return limit == 0 || places < limit; }
};

/// Members in the order of the settings; a list of references. Lifetime: they outlive it and stay where they are.
class MemberList {
 public:
  class Iterator {
   public:
    using value_type = Member;
    using difference_type = std::ptrdiff_t;
    Iterator() = default;
    explicit Iterator(Member* const* at) : at_(at) {}
    Member& operator*() const { return **at_; }
    Iterator& operator++() { return ++at_, *this; }
    Iterator operator++(int) { return Iterator(at_++); }
    bool operator==(const Iterator&) const = default;

   private:
    Member* const* at_ = nullptr;
  };

  MemberList() = default;
  explicit MemberList(std::span<Member> members) {
    for (Member& member : members) add(member);
  }
  void add(Member& member) { members_.push_back(&member); }
  [[nodiscard]] std::size_t size() const { return members_.size(); }
  [[nodiscard]] Member& operator[](std::size_t at) const { return *members_[at]; }
  [[nodiscard]] Member& at(std::size_t at) const { return *members_.at(at); }
  [[nodiscard]] Iterator begin() const { return Iterator(members_.data()); }
  [[nodiscard]] Iterator end() const { return Iterator(members_.data() + members_.size()); }

 private:
  std::vector<Member*> members_;
};

}  // namespace sluice::worker
