// See test_worker.h.
#include "test_worker.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>

#include "ipc/memfd.h"
#include "supervisor/launch.h"

namespace sluice::test {
namespace {

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message());
  return *std::move(result);
}

Fd listener() {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) std::abort();
  if (::listen(fd.get(), 16) != 0) std::abort();
  return fd;
}

}  // namespace

TestWorker::TestWorker(const char* binary, const ipc::TenantSettings& settings) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) std::abort();
  log_pipe_ = Fd(ends[0]);
  const Fd log(ends[1]);
  auto pair = must(ipc::channel_pair());
  channel_ = std::make_unique<ipc::SupervisorEnd>(std::move(pair.supervisor));
  const Fd program = must(supervisor::open_binary(binary));
  supervisor::PrivateIds ids;
  spawned_ = must(supervisor::spawn(
      {.binary = program.get(),
       .arguments = {binary, "--worker"},
       .channel = pair.worker.get(),
       .log = log.get(),
       .ids = ids.of(settings.name),
       .isolation = settings.sandbox.namespaces ? supervisor::Isolation::kPrivate : supervisor::Isolation::kShared}));
  protections_ = spawned_.protections;
  const Fd text = must(ipc::seal_bytes("settings", ipc::to_json(settings)));
  const Fd slab = must(ipc::make_memfd("slab"));
  (void)channel_->post(ipc::Configure{.tenant = settings.name}, std::array{text.get(), slab.get()});
  const Fd socket = listener();
  (void)channel_->post(ipc::Listeners{.items = {{.endpoint_index = 0, .address = "127.0.0.1:0"}}},
                       std::array{socket.get()});
  (void)channel_->post(ipc::Begin{});
}

TestWorker::~TestWorker() {
  if (!reaped_ && spawned_.pid > 0) {
    (void)::kill(spawned_.pid, SIGKILL);
    (void)supervisor::reap(spawned_.pid);
  }
}

bool TestWorker::until_ready() {
  for (;;) {
    auto received = channel_->receive_blocking(Deadline(steady_now() + std::chrono::seconds(20)));
    if (!received) return false;
    if (std::holds_alternative<ipc::Ready>(received->message)) return true;
    if (const auto* failed = std::get_if<ipc::Failed>(&received->message)) {
      ADD_FAILURE() << failed->why;
      return false;
    }
    if (const auto* report = std::get_if<ipc::Protections>(&received->message))
      for (const auto& one : report->items) protections_.push_back({.name = one.name, .on = one.on, .why = one.why});
  }
}

int TestWorker::stop() {
  (void)channel_->post(ipc::Stop{});
  return wait();
}

int TestWorker::wait() {
  reaped_ = true;
  return supervisor::reap(spawned_.pid);
}

std::string TestWorker::log() {
  std::array<char, 4096> bytes{};
  for (ssize_t got = 0; (got = ::read(log_pipe_.get(), bytes.data(), bytes.size())) > 0;)
    log_.append(bytes.data(), static_cast<std::size_t>(got));
  return log_;
}

std::string TestWorker::result_of(std::string_view probe) {
  const std::string all = log();
  const std::string key = "\"name\":\"" + std::string(probe) + "\",\"result\":\"";
  const auto at = all.find(key);
  if (at == std::string::npos) return {};
  return all.substr(at + key.size(), all.find('"', at + key.size()) - at - key.size());
}

Protection TestWorker::protection(std::string_view name) const {
  const auto found = std::ranges::find(protections_, name, &Protection::name);
  if (found != protections_.end()) return *found;
  ADD_FAILURE() << "no protection called " << name;
  return {};
}

}  // namespace sluice::test
