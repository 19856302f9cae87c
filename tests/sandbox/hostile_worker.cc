// An application whose workers are taken over by their first client: from then on each does what its tenant's setting
// `attack` names, with everything a worker has (its channel, its log, its slab), and behind its own closed door, as an
// attacker would find it. So do the workers that are started in its place. A tenant without an attack answers every
// connection with "fine\n": the neighbour that must not notice.
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "base/sys.h"
#include "ipc/application.h"
#include "ipc/connection_table.h"
#include "ipc/metrics.h"
#include "ipc/slab.h"
#include "worker/boot.h"

namespace sluice {
namespace {

using worker::Booted;
using worker::kChannelDescriptor;
using worker::kLogDescriptor;

// A small generator: attacks are the same in every run.
std::uint32_t next_random() {
  static std::uint32_t state = 2'463'534'242U;
  state ^= state << 13U;
  state ^= state >> 17U;
  return state ^= state << 5U;
}
std::string noise(std::size_t size) {
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(next_random());
  return bytes;
}

void send_packet(std::string_view bytes, std::size_t copies_of_stdin = 0) {
  iovec part{.iov_base = const_cast<char*>(bytes.data()), .iov_len = bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  std::vector<int> fds(copies_of_stdin, 0);
  std::vector<char> control(CMSG_SPACE(fds.size() * sizeof(int)));
  if (!fds.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
    std::memcpy(CMSG_DATA(header), fds.data(), fds.size() * sizeof(int));
  }
  (void)::sendmsg(kChannelDescriptor, &message, MSG_NOSIGNAL);
}

// A packet by the rules of ipc/messages.h, whatever its content.
std::string packet(std::uint16_t version, std::uint16_t type, std::uint16_t fds, std::string_view fields) {
  std::string bytes;
  for (const std::uint16_t word : {version, type, fds, std::uint16_t{0}})
    for (const int shift : {0, 8}) bytes.push_back(static_cast<char>(word >> shift));
  return bytes + std::string(fields);
}
std::string message(std::uint16_t type, std::string_view fields = {}) {
  return packet(ipc::kProtocolVersion, type, 0, fields);
}

void pause_for(int milliseconds) {
  (void)::poll(nullptr, 0, milliseconds);
}
[[noreturn]] void wait_forever() {
  for (;;) pause_for(1000);
}

void flood_channel(std::string_view bytes) {
  for (int i = 0; i < 200'000; ++i) send_packet(bytes);
}

void flood_log(std::size_t megabytes, std::string_view piece) {
  for (std::size_t sent = 0; sent < megabytes << 20U;) {
    const ssize_t put = ::write(kLogDescriptor, piece.data(), piece.size());
    if (put > 0) sent += static_cast<std::size_t>(put);
    if (put < 0) pause_for(1);
  }
}

void forge_log() {
  constexpr std::string_view kForged =
      "{\"time\":\"2000-01-01T00:00:00.000000Z\",\"tenant\":\"victim\",\"worker\":0,\"pid\":1,\"level\":\"error\","
      "\"event\":\"forged\"}\n"
      "{\"event\":\"forged\",\"tenant\":\"victim\",\"tenant\":\"victim\"\n"
      "\x1b[2J\x1b]0;forged\x07 forged \r forged\n"
      "{}\n{\"a\":{\"b\":[[[[[[[[[[[[[[[[[[[[[[[[\n";
  (void)!::write(kLogDescriptor, kForged.data(), kForged.size());
  (void)!::write(kLogDescriptor, "no line feed at the end", 23);
}

// Every page of the slab, over and over, while the supervisor and admin read it.
void scribble(const Booted& worker) {
  struct stat facts{};
  if (::fstat(worker.slab.get(), &facts) != 0) facts.st_size = 1 << 20;
  const auto size = static_cast<std::size_t>(facts.st_size);
  void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, worker.slab.get(), 0);
  if (memory == MAP_FAILED) return;
  auto* words = static_cast<std::uint32_t*>(memory);
  const std::size_t count = std::min(size, std::size_t{4} << 20U) / sizeof(std::uint32_t);
  for (int round = 0; round < 30; ++round) {
    for (std::size_t i = 0; i < count; ++i) words[i] = round % 3 == 0 ? ~0U : next_random();
    pause_for(20);
  }
}

// What a slab may not say, written by the rules and then changed by one byte: somebody else's name on a series and
// bytes that are no text; entries of endpoints that do not exist, with names to deceive a terminal.
void forge_slab(const Booted& worker) {
  Result<ipc::Slab> slab = ipc::Slab::attach(worker.slab.get());
  if (!slab) return;
  ipc::MetricsWriter metrics(*slab);
  for (const char* label : {"tenanX", "workeX"})
    metrics.counter("sluice_forged_total", "Forged.", {{label, "neighbour"}}).add(666);
  metrics.counter("sluice_requests_total", "Forged help.", {{"endpoint", "Xood"}}).add(666);
  std::span<std::byte> records = slab->records();
  for (std::size_t i = 1; i < records.size(); ++i) {
    if (records[i] != std::byte{'X'}) continue;
    if (records[i - 1] == std::byte{'n'}) records[i] = std::byte{'t'};
    if (records[i - 1] == std::byte{'e'}) records[i] = std::byte{'r'};
    if (records[i - 1] == std::byte{'t'}) records[i] = std::byte{0xff};
  }
  ipc::ConnectionTable connections(*slab);
  static std::vector<ipc::ConnectionSlot> slots;
  for (std::uint16_t i = 0; i < 200; ++i) {
    slots.push_back(connections.add(SocketAddress(IpAddress(std::array<std::uint8_t, 4>{192, 0, 2, 66}), i), i, -1));
    slots.back().request("\x1b[2J\x1b]0;forged\x07 \xff\xfe \r\n forged");
    slots.back().add_in(~0ULL);
  }
  wait_forever();
}

struct Attack {
  std::string_view name;
  void (*act)(Booted& worker);
};

// In place of Ready. Most end the worker; what comes back goes on to wait_forever().
constexpr Attack kStarting[] = {
    {"noise",
     [](Booted&) {
       for (int i = 0; i < 1000; ++i) send_packet(noise(1 + next_random() % 4096));
     }},
    {"empty", [](Booted&) { send_packet({}); }},
    {"short-header", [](Booted&) { send_packet("\x01"); }},
    {"oversize", [](Booted&) { send_packet(message(65, noise(150'000))); }},
    {"unknown-type", [](Booted&) { send_packet(message(99)); }},
    {"wrong-version", [](Booted&) { send_packet(packet(9999, 66, 0, {})); }},
    {"trailing-bytes", [](Booted&) { send_packet(message(66, "trailing")); }},
    {"cut-fields", [](Booted&) { send_packet(message(65, "\x05")); }},
    {"long-list", [](Booted&) { send_packet(message(65, std::string(30'000, '\xff'))); }},
    {"bad-text", [](Booted&) { send_packet(message(67, std::string("\x03\x00\xff\xfe\x00", 5))); }},
    {"speaks-for-supervisor", [](Booted&) { send_packet(message(4)); }},
    {"descriptors", [](Booted&) { send_packet(message(66), 3); }},
    {"descriptors-announced", [](Booted&) { send_packet(packet(ipc::kProtocolVersion, 66, 4, {}), 4); }},
    {"many-descriptors",
     [](Booted&) {
       for (int i = 0; i < 100; ++i) send_packet(message(66), 250);
     }},
    {"hello-again", [](Booted&) { send_packet(message(64, std::string("\x01\x00x\x01\x00y", 6))); }},
    {"drained-too-early", [](Booted&) { send_packet(message(68)); }},
    {"closes-channel", [](Booted&) { ::close(kChannelDescriptor); }},
    {"exits", [](Booted&) { ::_exit(0); }},
    {"never-ready", [](Booted&) {}},
};

// After Ready.
constexpr Attack kServing[] = {
    {"ready-again", [](Booted&) { send_packet(message(66)); }},
    {"prepared-unasked", [](Booted& worker) { (void)worker.channel.post(ipc::Prepared{.number = 1, .able = true}); }},
    {"flood-channel", [](Booted&) { flood_channel(message(66)); }},
    {"flood-noise", [](Booted&) { flood_channel(noise(4096)); }},
    {"flood-log", [](Booted&) { flood_log(16, std::string(32'000, 'x') + "\n"); }},
    {"flood-log-noise", [](Booted&) { flood_log(4, noise(65'536)); }},
    {"flood-log-endless-line", [](Booted&) { flood_log(16, std::string(65'536, 'y')); }},
    {"forge-log", [](Booted&) { forge_log(); }},
    {"scribble", [](Booted& worker) { scribble(worker); }},
    {"forge-slab", [](Booted& worker) { forge_slab(worker); }},
    {"never-reads", [](Booted&) {}},
};

template <std::size_t N>
const Attack* find(const Attack (&attacks)[N], std::string_view name) {
  for (const Attack& one : attacks)
    if (one.name == name) return &one;
  return nullptr;
}

enum class Until : std::uint8_t { kStopped, kFirstClient };

// The honest neighbour, or one that is honest yet. The status to exit with; nullopt: the client has come.
std::optional<int> serve(Booted& worker, Until until) {
  if (!worker.channel.post(ipc::Ready{})) return 1;
  std::vector<pollfd> waiting{{.fd = kChannelDescriptor, .events = POLLIN, .revents = 0}};
  for (const worker::Listener& one : worker.listeners)
    waiting.push_back({.fd = one.socket.get(), .events = POLLIN, .revents = 0});
  for (;;) {
    if (::poll(waiting.data(), waiting.size(), -1) < 0 && errno != EINTR) return 1;
    for (const pollfd& one : std::span(waiting).subspan(1)) {
      sockaddr_storage peer{};
      socklen_t length = 0;
      if (one.revents == 0) continue;
      const sys::Accepted client = sys::accept(one.fd, peer, length);
      if (client.fd) (void)sys::write(client.fd.get(), std::string_view("fine\n"));
      if (client.fd && until == Until::kFirstClient) return std::nullopt;
    }
    if (waiting[0].revents == 0) continue;
    auto received = worker.channel.receive_blocking(Deadline::never());
    if (!received) return 1;
    if (std::holds_alternative<ipc::Stop>(received->message)) return 0;
    if (std::holds_alternative<ipc::Drain>(received->message)) {
      (void)worker.channel.post(ipc::Drained{});
      return 0;
    }
  }
}

// How often a worker of this slot has been started, by what the slab has kept.
std::uint64_t incarnation(const Booted& worker) {
  Result<ipc::Slab> slab = ipc::Slab::attach(worker.slab.get());
  return slab ? slab->header().incarnations.load() : 1;
}

int run_worker() {
  auto booted = worker::boot({.application = "hostile", .version = "1"});
  if (!booted) return 1;
  Booted& worker = **booted;
  const bool first = incarnation(worker) == 1;
  if (auto closed = worker::enter_sandbox(worker); !closed) return 1;
  const settings::Node* chosen = worker.settings.settings.find("attack");
  const std::string_view name = chosen == nullptr ? std::string_view() : std::string_view(chosen->text);
  if (name.empty()) return serve(worker, Until::kStopped).value_or(1);
  const Attack* starting = find(kStarting, name);
  const Attack* serving = find(kServing, name);
  if (starting == nullptr && serving == nullptr) {
    worker.log.error("no such attack", {{"name", name}});
    return 1;
  }
  if (first) {
    if (const std::optional<int> status = serve(worker, Until::kFirstClient)) return *status;
    if (starting != nullptr) return 1;  // on with the next incarnation
  } else if (serving != nullptr) {
    (void)worker.channel.post(ipc::Ready{});
  }
  (starting != nullptr ? starting : serving)->act(worker);
  wait_forever();
}

int print(const std::string& text) {
  return ::write(STDOUT_FILENO, text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0 : 1;
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) {
  using namespace sluice;
  const std::string_view how = argc > 1 ? argv[1] : "";
  if (how == "--worker") return run_worker();
  if (how == "--describe")
    return print(ipc::encode(ipc::ApplicationDescription{
        .name = "hostile", .version = "1", .description = "attacks", .tenant = {}, .endpoint = {}}));
  return how == "--check" ? 0 : 2;
}
