// The one list of messages between the supervisor and a worker.
//
// A message is a plain struct that names its fields once (`fields`, for reading and writing alike) plus one row in
// kFromSupervisor or kFromWorker: type number, name, phases it may be sent in, how often, most descriptors, most bytes.
// Adding a message is a struct, a row and a handler. A worker is hostile until proven otherwise: all a worker can say
// in its life are the rows of kFromWorker, each once (Prepared: once for each question) and without descriptors;
// everything else ends it (ipc/peer.h).
//
// On the wire: u16 version, u16 type, u16 descriptors, u16 zero, fields (ipc/codec.h). Type numbers are never reused.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <variant>
#include <vector>

#include "base/log.h"
#include "base/result.h"

namespace sluice::ipc {

/// Changes with every change of this file or of the slab's layout; both sides must have the same.
inline constexpr std::uint16_t kProtocolVersion = 4;
/// Descriptors in one message; the kernel's own limit is 253 (SCM_MAX_FD).
inline constexpr std::size_t kMaxFds = 250;
inline constexpr std::size_t kMaxName = 64;
inline constexpr std::size_t kMaxAddress = 128;
inline constexpr std::size_t kMaxSentence = 1024;

enum class Role : std::uint8_t { kSupervisor, kWorker };
enum class Phase : std::uint8_t {
  kStarting,  ///< from the first byte until Ready
  kServing,   ///< from Ready until Drain
  kDraining,  ///< from Drain to the end
};
enum class Times : std::uint8_t { kOnce, kMany };

// --- supervisor to worker -------------------------------------------------------------------------------------------

/// The first message. Descriptors: the settings of the tenant (sealed memfd, JSON), the slab.
struct Configure {
  std::uint64_t generation = 0;
  std::string tenant;
  std::uint32_t worker_index = 0;
  sluice::LogLevel log_level = sluice::LogLevel::kInfo;

  [[nodiscard]] static std::size_t descriptors() { return 2; }
  static void fields(auto& self, auto& codec) {
    codec.u64(self.generation);
    codec.text(self.tenant, kMaxName);
    codec.u32(self.worker_index);
    codec.choice(self.log_level, sluice::LogLevel::kError);
  }
};

/// What a worker is to do with a socket once it is told to accept.
enum class Duty : std::uint8_t {
  kAccept,     ///< TCP and UNIX
  kRead,       ///< UDP: read it
  kReadAfter,  ///< UDP that workers share: read it when its reader in the other generation has handed it over
};

/// Listening sockets, in batches; nothing is accepted before Accept. A serving worker may get more of them.
/// Descriptors: one per item, in order.
struct Listeners {
  struct Item {
    std::uint32_t socket = 0;          ///< the supervisor's number for it, for Pause
    std::uint32_t endpoint_index = 0;  ///< into the settings' list of endpoints
    std::string address;               ///< bound address as text
    Duty duty = Duty::kAccept;
    std::uint16_t place = 0;   ///< of a UDP socket that workers share: which of the address's sockets
    std::uint16_t places = 0;  ///< how many of them there are; 0 when workers do not share them
    static void fields(auto& self, auto& codec) {
      codec.u32(self.socket);
      codec.u32(self.endpoint_index);
      codec.text(self.address, kMaxAddress);
      codec.choice(self.duty, Duty::kReadAfter);
      codec.u16(self.place);
      codec.u16(self.places);
    }
  };
  std::vector<Item> items;

  [[nodiscard]] std::size_t descriptors() const { return items.size(); }
  static void fields(auto& self, auto& codec) { codec.list(self.items, kMaxFds); }
};

/// Slabs of other workers, read-only, for the admin worker; a batch adds to the earlier ones. A worker slot has several
/// slabs when generations overlap: what they count is summed. One for a known tenant, index and number replaces the
/// old. Descriptors: one per item. The supervisor's own slab has an empty tenant.
struct Slabs {
  struct Item {
    std::string tenant;
    std::uint32_t worker_index = 0;
    std::uint32_t number = 0;
    static void fields(auto& self, auto& codec) {
      codec.text(self.tenant, kMaxName);
      codec.u32(self.worker_index);
      codec.u32(self.number);
    }
  };
  std::vector<Item> items;

  [[nodiscard]] std::size_t descriptors() const { return items.size(); }
  static void fields(auto& self, auto& codec) { codec.list(self.items, kMaxFds); }
};

/// Everything has been handed over: sandbox yourself, start the application, say Ready.
struct Begin {
  static void fields(auto& /*self*/, auto& /*codec*/) {}
};

/// Accept from all listening sockets, for the first time or again. What Pause began to reckon is forgotten.
struct Accept {
  static void fields(auto& /*self*/, auto& /*codec*/) {}
};

/// The switch to another generation: stop accepting, but from the sockets that only this generation has, keep all
/// descriptors, and begin to reckon what becomes of everything that is open now (ipc/connection_table.h). What is open
/// goes on as before.
struct Pause {
  static constexpr std::size_t kMostKept = 4096;
  struct Kept {
    std::uint32_t socket = 0;
    static void fields(auto& self, auto& codec) { codec.u32(self.socket); }
  };
  std::vector<Kept> keep;
  std::uint64_t next_generation = 0;  ///< who accepts instead, and with how many workers of this tenant
  std::uint32_t next_workers = 0;
  static void fields(auto& self, auto& codec) {
    codec.list(self.keep, kMostKept);
    codec.u64(self.next_generation);
    codec.u32(self.next_workers);
  }
};

/// Where workers of a tenant pass datagrams on to each other, when the kernel does not find their generation. A batch
/// adds to the earlier ones; one for a known worker replaces the old. Descriptors: one per item, the sending end; of
/// the receiver's own, the receiving end.
struct Mailboxes {
  struct Item {
    std::uint64_t generation = 0;
    std::uint32_t worker_index = 0;
    static void fields(auto& self, auto& codec) {
      codec.u64(self.generation);
      codec.u32(self.worker_index);
    }
  };
  std::vector<Item> items;

  [[nodiscard]] std::size_t descriptors() const { return items.size(); }
  static void fields(auto& self, auto& codec) { codec.list(self.items, kMaxFds); }
};

/// Read these settings of the tenant and make ready what they need, without touching what is in force; say Prepared. An
/// earlier one that was not adopted is forgotten. Descriptor: the settings (sealed memfd, JSON).
struct Reconfigure {
  std::uint64_t number = 0;
  [[nodiscard]] static std::size_t descriptors() { return 1; }
  static void fields(auto& self, auto& codec) { codec.u64(self.number); }
};

/// The settings prepared under this number are in force from now on.
struct Adopt {
  std::uint64_t number = 0;
  static void fields(auto& self, auto& codec) { codec.u64(self.number); }
};

/// An upgrade begins: write down what the application keeps for the workers of the next generation, and say Prepared.
/// Descriptor: where to (restart/parent_state.h).
struct SaveState {
  std::uint64_t number = 0;
  [[nodiscard]] static std::size_t descriptors() { return 1; }
  static void fields(auto& self, auto& codec) { codec.u64(self.number); }
};

/// What a worker of the generation before has written down. Descriptor: the same, sealed.
struct ParentState {
  std::string version;  ///< of its application
  [[nodiscard]] static std::size_t descriptors() { return 1; }
  static void fields(auto& self, auto& codec) { codec.text(self.version, kMaxName); }
};

/// Stop accepting, let what is open end, say Drained and exit; what is left after the budget of its kind is cut. Said
/// again, the new budgets count, from now.
struct Drain {
  std::uint64_t idle_ms = 0;
  std::uint64_t request_ms = 0;
  std::uint64_t upload_ms = 0;
  std::uint64_t tunnel_ms = 0;
  std::uint64_t flow_ms = 0;
  std::uint16_t spread_percent = 0;  ///< budgets end earlier by up to this part, differently for each connection
  static void fields(auto& self, auto& codec) {
    codec.u64(self.idle_ms);
    codec.u64(self.request_ms);
    codec.u64(self.upload_ms);
    codec.u64(self.tunnel_ms);
    codec.u64(self.flow_ms);
    codec.u16(self.spread_percent);
  }
};

/// Once it drains: hand connections over to the worker at the other end of the channel (restart/handover.h). Each
/// message adds one; they share the work. Descriptor: this side's end.
struct HandOver {
  bool idle = true;     ///< connections between two requests
  bool tunnels = true;  ///< CONNECT, Upgrade
  [[nodiscard]] static std::size_t descriptors() { return 1; }
  static void fields(auto& self, auto& codec) {
    codec.flag(self.idle);
    codec.flag(self.tunnels);
  }
};

/// Take over what comes from a worker of another generation. Descriptor: this side's end of the channel.
struct TakeOver {
  [[nodiscard]] static std::size_t descriptors() { return 1; }
  static void fields(auto& /*self*/, auto& /*codec*/) {}
};

/// Private keys, for the keyholder: files that the supervisor has opened and not read. Adds to earlier ones.
/// Descriptors: one per item, to be read from their beginning without moving their offset.
struct Keys {
  struct Item {
    std::string tenant;
    static void fields(auto& self, auto& codec) { codec.text(self.tenant, kMaxName); }
  };
  std::vector<Item> items;

  [[nodiscard]] std::size_t descriptors() const { return items.size(); }
  static void fields(auto& self, auto& codec) { codec.list(self.items, kMaxFds); }
};

/// For the keyholder: a worker that may use the keys of this tenant, and no others. Descriptor: the keyholder's end of
/// a channel for ipc/signing.h.
struct KeyUser {
  std::string tenant;
  [[nodiscard]] static std::size_t descriptors() { return 1; }
  static void fields(auto& self, auto& codec) { codec.text(self.tenant, kMaxName); }
};

/// For a worker: who makes its signatures from now on. Descriptor: the worker's end of that channel.
struct Keyholder {
  [[nodiscard]] static std::size_t descriptors() { return 1; }
  static void fields(auto& /*self*/, auto& /*codec*/) {}
};

/// Keys of session tickets (worker/tls/tickets.h), in place of earlier ones: to be sealed with the first, opened with
/// any. Secret.
struct TicketKeys {
  static constexpr std::size_t kName = 16;
  static constexpr std::size_t kSecret = 32;
  static constexpr std::size_t kMost = 3;
  struct Item {
    std::string name;
    std::string secret;
    static void fields(auto& self, auto& codec) {
      codec.data(self.name, kName);
      codec.data(self.secret, kSecret);
    }
  };
  std::vector<Item> items;
  static void fields(auto& self, auto& codec) { codec.list(self.items, kMost); }
};

/// Exit at once; after Drained, what has come by UDP is answered first.
struct Stop {
  static void fields(auto& /*self*/, auto& /*codec*/) {}
};

struct SetLogLevel {
  sluice::LogLevel level = sluice::LogLevel::kInfo;
  static void fields(auto& self, auto& codec) { codec.choice(self.level, sluice::LogLevel::kError); }
};

// --- worker to supervisor -------------------------------------------------------------------------------------------

/// Who runs: the application's name and version.
struct Hello {
  std::string application;
  std::string version;
  static void fields(auto& self, auto& codec) {
    codec.text(self.application, kMaxName);
    codec.text(self.version, kMaxName);
  }
};

/// What of the sandbox is on and, for what is off, why.
struct Protections {
  static constexpr std::size_t kMost = 64;
  struct Item {
    std::string name;
    bool on = false;
    std::string why;
    static void fields(auto& self, auto& codec) {
      codec.text(self.name, kMaxName);
      codec.flag(self.on);
      codec.sentence(self.why, kMaxSentence);
    }
  };
  std::vector<Item> items;
  static void fields(auto& self, auto& codec) { codec.list(self.items, kMost); }
};

/// Sandboxed, started, waiting for Accept.
struct Ready {
  static void fields(auto& /*self*/, auto& /*codec*/) {}
};

/// Cannot go on; the worker exits right after.
struct Failed {
  std::string why;
  static void fields(auto& self, auto& codec) { codec.sentence(self.why, kMaxSentence); }
};

/// The answer to Reconfigure and to SaveState, one to each; the supervisor kills a worker that answers what nobody has
/// asked.
struct Prepared {
  std::uint64_t number = 0;
  bool able = false;
  std::string why;  ///< not able
  static void fields(auto& self, auto& codec) {
    codec.u64(self.number);
    codec.flag(self.able);
    codec.sentence(self.why, kMaxSentence);
  }
};

/// Nothing is open any more. The worker exits right after; one that reads UDP waits for Stop, so that nobody steers
/// datagrams to it any more when it does.
struct Drained {
  static void fields(auto& /*self*/, auto& /*codec*/) {}
};

// --- the table ------------------------------------------------------------------------------------------------------

/// What a row says.
struct Rule {
  std::uint16_t type;
  std::string_view name;
  Role sender;
  std::array<bool, 3> phases;  ///< by Phase
  Times times;
  std::size_t max_fds;
  std::size_t max_size;           ///< of the fields, in bytes
  std::optional<Phase> moves_to;  ///< the phase that begins with this message

  [[nodiscard]] constexpr bool allowed_in(Phase phase) const { return phases[static_cast<std::size_t>(phase)]; }
};
template <class M>
struct Row {
  Rule rule;
};

namespace detail {
inline constexpr std::array kAnyPhase{true, true, true};
inline constexpr std::array kStartingOnly{true, false, false};
inline constexpr std::array kServingOnly{false, true, false};
inline constexpr std::array kUntilDrain{true, true, false};
inline constexpr std::array kFromReady{false, true, true};
inline constexpr std::array kDrainingOnly{false, false, true};
inline constexpr std::size_t kBatch = std::size_t{40} * 1024;
template <class... M>
std::variant<M...> variant_of(const std::tuple<Row<M>...>&);
}  // namespace detail

// clang-format off
inline constexpr std::tuple kFromSupervisor{
    //                type name         sender              phases                  times         fds      bytes
    Row<Configure>  {{1,  "Configure",   Role::kSupervisor, detail::kStartingOnly, Times::kOnce, 2,       256}},
    Row<Listeners>  {{2,  "Listeners",   Role::kSupervisor, detail::kUntilDrain,   Times::kMany, kMaxFds, detail::kBatch}},
    Row<Slabs>      {{3,  "Slabs",       Role::kSupervisor, detail::kAnyPhase,     Times::kMany, kMaxFds, detail::kBatch}},
    Row<Begin>      {{4,  "Begin",       Role::kSupervisor, detail::kStartingOnly, Times::kOnce, 0,       0}},
    Row<Drain>      {{5,  "Drain",       Role::kSupervisor, detail::kFromReady,    Times::kMany, 0,       42,  Phase::kDraining}},
    Row<Stop>       {{6,  "Stop",        Role::kSupervisor, detail::kAnyPhase,     Times::kMany, 0,       0}},
    Row<SetLogLevel>{{7,  "SetLogLevel", Role::kSupervisor, detail::kAnyPhase,     Times::kMany, 0,       1}},
    Row<Accept>     {{8,  "Accept",      Role::kSupervisor, detail::kServingOnly,  Times::kMany, 0,       0}},
    Row<Pause>      {{9,  "Pause",       Role::kSupervisor, detail::kServingOnly,  Times::kMany, 0,       detail::kBatch}},
    Row<Mailboxes>  {{10, "Mailboxes",   Role::kSupervisor, detail::kAnyPhase,     Times::kMany, kMaxFds, detail::kBatch}},
    Row<HandOver>   {{12, "HandOver",    Role::kSupervisor, detail::kFromReady,    Times::kMany, 1,       2}},
    Row<TakeOver>   {{13, "TakeOver",    Role::kSupervisor, detail::kFromReady,    Times::kMany, 1,       0}},
    Row<Keys>       {{14, "Keys",        Role::kSupervisor, detail::kAnyPhase,     Times::kMany, kMaxFds, detail::kBatch}},
    Row<KeyUser>    {{15, "KeyUser",     Role::kSupervisor, detail::kAnyPhase,     Times::kMany, 1,       kMaxName + 2}},
    Row<Keyholder>  {{16, "Keyholder",   Role::kSupervisor, detail::kAnyPhase,     Times::kMany, 1,       0}},
    Row<TicketKeys> {{17, "TicketKeys",  Role::kSupervisor, detail::kAnyPhase,     Times::kMany, 0,       170}},
    Row<Reconfigure>{{20, "Reconfigure", Role::kSupervisor, detail::kServingOnly,  Times::kMany, 1,       8}},
    Row<Adopt>      {{21, "Adopt",       Role::kSupervisor, detail::kServingOnly,  Times::kMany, 0,       8}},
    Row<SaveState>  {{22, "SaveState",   Role::kSupervisor, detail::kServingOnly,  Times::kMany, 1,       8}},
    Row<ParentState>{{23, "ParentState", Role::kSupervisor, detail::kStartingOnly, Times::kMany, 1,       66}},
};
inline constexpr std::tuple kFromWorker{
    Row<Hello>      {{64, "Hello",       Role::kWorker,     detail::kStartingOnly, Times::kOnce, 0,       256}},
    Row<Protections>{{65, "Protections", Role::kWorker,     detail::kStartingOnly, Times::kOnce, 0,       detail::kBatch}},
    Row<Ready>      {{66, "Ready",       Role::kWorker,     detail::kStartingOnly, Times::kOnce, 0,       0,   Phase::kServing}},
    Row<Failed>     {{67, "Failed",      Role::kWorker,     detail::kAnyPhase,     Times::kOnce, 0,       kMaxSentence + 2}},
    Row<Drained>    {{68, "Drained",     Role::kWorker,     detail::kDrainingOnly, Times::kOnce, 0,       0}},
    Row<Prepared>   {{80, "Prepared",    Role::kWorker,     detail::kFromReady,    Times::kMany, 0,       kMaxSentence + 11}},
};
// clang-format on

using FromSupervisor = decltype(detail::variant_of(kFromSupervisor));
using FromWorker = decltype(detail::variant_of(kFromWorker));

[[nodiscard]] const Rule& rule_of(const FromSupervisor& message);
[[nodiscard]] const Rule& rule_of(const FromWorker& message);

/// The packet for a message that goes with `fds` descriptors. Errors: kProtocol when a field or the number of
/// descriptors breaks its bound.
[[nodiscard]] Result<std::string> encode(const FromSupervisor& message, std::size_t fds);
[[nodiscard]] Result<std::string> encode(const FromWorker& message, std::size_t fds);
/// The message in a packet that came with `fds` descriptors. Errors: kProtocol, with a sentence.
[[nodiscard]] Result<FromSupervisor> decode_from_supervisor(std::string_view packet, std::size_t fds);
[[nodiscard]] Result<FromWorker> decode_from_worker(std::string_view packet, std::size_t fds);

[[nodiscard]] std::string_view name(Phase phase);
[[nodiscard]] std::string_view name(Role role);

}  // namespace sluice::ipc
