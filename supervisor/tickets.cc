// See tickets.h.
#include "supervisor/tickets.h"

#include <sys/random.h>

#include <cerrno>
#include <utility>

#include "base/check.h"
#include "base/hex.h"

namespace sluice::supervisor {
namespace {

std::string random_bytes(std::size_t size) {
  std::string bytes(size, '\0');
  for (;;) {
    const ssize_t got = ::getrandom(bytes.data(), bytes.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    SLUICE_CHECK(got == static_cast<ssize_t>(size), "the kernel gives so few bytes at once");
    return bytes;
  }
}

ipc::TicketKeys::Item new_key() {
  return {.name = random_bytes(ipc::TicketKeys::kName), .secret = random_bytes(ipc::TicketKeys::kSecret)};
}

}  // namespace

ipc::TicketKeys Tickets::of(const std::string& tenant, Nanos now) {
  const auto [found, fresh] = sets_.try_emplace(tenant);
  Set& set = found->second;
  if (fresh) set = {.next = new_key(), .current = new_key(), .previous = new_key(), .since = now};
  return {.items = {set.current, set.next, set.previous}};
}

bool Tickets::rotate(const std::string& tenant, Nanos now, Nanos period) {
  const auto found = sets_.find(tenant);
  if (found == sets_.end() || now < found->second.since + period) return false;
  Set& set = found->second;
  set.previous = std::exchange(set.current, std::exchange(set.next, new_key()));
  set.since = now;
  return true;
}

void Tickets::forget(const std::function<bool(const std::string& tenant)>& which) {
  std::erase_if(sets_, [&](const auto& one) { return which(one.first); });
}

std::vector<restart::SavedTickets> Tickets::save() const {
  std::vector<restart::SavedTickets> all;
  for (const auto& [tenant, set] : sets_) {
    std::string keys;
    for (const Key* key : {&set.next, &set.current, &set.previous}) keys += key->name + key->secret;
    all.push_back({.tenant = tenant, .since = set.since.count(), .hex = to_hex(keys)});
  }
  return all;
}

Result<> Tickets::go_on_with(const std::vector<restart::SavedTickets>& saved) {
  constexpr std::size_t kKey = ipc::TicketKeys::kName + ipc::TicketKeys::kSecret;
  for (const restart::SavedTickets& one : saved) {
    const Result<std::string> keys = from_hex(one.hex);
    if (!keys || keys->size() != 3 * kKey) return fail(Code::kBadSyntax, "keys of tickets that are none");
    const auto key = [&](std::size_t at) -> Key {
      return {.name = keys->substr(at * kKey, ipc::TicketKeys::kName),
              .secret = keys->substr(at * kKey + ipc::TicketKeys::kName, ipc::TicketKeys::kSecret)};
    };
    sets_[one.tenant] = {.next = key(0), .current = key(1), .previous = key(2), .since = Nanos(one.since)};
  }
  return {};
}

}  // namespace sluice::supervisor
