// Tickets: the keys that workers seal TLS sessions with for their clients, one set for each tenant, the same for its
// workers in all generations and in the next supervisor's: so a client takes up its session wherever it comes to.
//
// A set has three keys. The next one is opened already and sealed with after the next rotation, so that no worker is
// ahead of the others; the previous one is opened until then. They are in memory only, never in a file: who has one can
// read what was said in sessions of TLS 1.2 that were sealed with it. Owned by the Generations.
#pragma once
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/loop.h"
#include "base/result.h"
#include "ipc/messages.h"
#include "restart/saved_state.h"

namespace sluice::supervisor {

class Tickets {
 public:
  /// As the tenant's workers get them: to seal with, to open with. Makes the first ones.
  [[nodiscard]] ipc::TicketKeys of(const std::string& tenant, Nanos now);
  /// True when the key to seal with has been that for a whole period, and is another one now.
  [[nodiscard]] bool rotate(const std::string& tenant, Nanos now, Nanos period);
  void forget(const std::function<bool(const std::string& tenant)>& which);

  /// For another program that goes on with them; and back. Errors: kBadSyntax.
  [[nodiscard]] std::vector<restart::SavedTickets> save() const;
  [[nodiscard]] Result<> go_on_with(const std::vector<restart::SavedTickets>& saved);

 private:
  using Key = ipc::TicketKeys::Item;
  struct Set {
    Key next;
    Key current;
    Key previous;
    Nanos since{0};  ///< the current one is it
  };
  std::map<std::string, Set, std::less<>> sets_;
};

}  // namespace sluice::supervisor
