// See balancer.h.
#include "worker/offramp/balancer.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace sluice::worker {
namespace {

bool can_take(const Member& member, const Wanted& wanted) {
  return member.serving && member.has_room() && std::ranges::find(wanted.tried, &member) == wanted.tried.end();
}

// Would one more request weigh less on `a` than on `b`?
bool lighter(const Member& a, const Member& b) {
  return (std::uint64_t{a.places} + 1) * b.weight < (std::uint64_t{b.places} + 1) * a.weight;
}

HashRing ring_of(const MemberList& members) {
  std::vector<std::string> names;
  names.reserve(members.size());  // the views stay good
  std::vector<HashRing::Server> servers;
  for (const Member& member : members) {
    names.push_back(member.server->host() + ":" + std::to_string(member.server->port()));
    servers.push_back({.name = names.back(), .weight = member.base_weight});
  }
  return HashRing(servers);
}

}  // namespace

Balancer::Balancer(ipc::Balance method, MemberList members) : method_(method), members_(std::move(members)) {
  if (method == ipc::Balance::kHash) ring_.emplace(ring_of(members_));
  weights_changed();
}

void Balancer::weights_changed() {
  equal_weights_ =
      std::ranges::all_of(members_, [&](const Member& member) { return member.weight == members_[0].weight; });
}

Member* Balancer::pick(const Wanted& wanted) {
  switch (method_) {
    case ipc::Balance::kRoundRobin:
      break;
    case ipc::Balance::kLeastRequests:
      return least(wanted);
    case ipc::Balance::kTwoRandom:
      return better_of_two(wanted);
    case ipc::Balance::kHash:
      if (wanted.key) return by_key(wanted);
      break;
  }
  return equal_weights_ ? in_turn(wanted) : smooth(wanted);
}

Member* Balancer::in_turn(const Wanted& wanted) {
  for (std::size_t i = 0; i < members_.size(); ++i) {
    turn_ = turn_ + 1 < members_.size() ? turn_ + 1 : 0;
    if (can_take(members_[turn_], wanted)) return &members_[turn_];
  }
  return nullptr;
}

// Smooth weighted round robin: everybody earns its weight, the richest pays the sum of what was earned. Of weights 5, 1
// and 1 it makes a a b a c a a, not a a a a a b c.
Member* Balancer::smooth(const Wanted& wanted) {
  Member* richest = nullptr;
  std::int64_t earned = 0;
  for (Member& member : members_) {
    if (!can_take(member, wanted)) continue;
    member.credit += member.weight;
    earned += member.weight;
    if (richest == nullptr || member.credit > richest->credit) richest = &member;
  }
  if (richest != nullptr) richest->credit -= earned;
  return richest;
}

// Begins one further each time, so that equals take turns.
Member* Balancer::least(const Wanted& wanted) {
  Member* lightest = nullptr;
  turn_ = turn_ + 1 < members_.size() ? turn_ + 1 : 0;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    Member& member = members_[turn_ + i < members_.size() ? turn_ + i : turn_ + i - members_.size()];
    if (can_take(member, wanted) && (lightest == nullptr || lighter(member, *lightest))) lightest = &member;
  }
  return lightest;
}

// Two random ones and the lighter of them: the busiest server is avoided almost as well as by looking at all, and
// workers that know nothing of each other do not all run to the same one. Where these two cannot take it, all are
// looked at.
Member* Balancer::better_of_two(const Wanted& wanted) {
  const auto count = static_cast<std::uint32_t>(members_.size());
  Member& first = members_[random_.below(count)];
  Member& second = members_[random_.below(count)];
  const bool first_can = can_take(first, wanted);
  const bool second_can = can_take(second, wanted);
  if (first_can && second_can) return lighter(second, first) ? &second : &first;
  if (first_can) return &first;
  if (second_can) return &second;
  return least(wanted);
}

Member* Balancer::by_key(const Wanted& wanted) {
  const std::size_t index = ring_->find(*wanted.key, [&](std::size_t i) { return can_take(members_[i], wanted); });
  return index == SIZE_MAX ? nullptr : &members_[index];
}

}  // namespace sluice::worker
