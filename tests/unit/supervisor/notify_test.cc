#include "supervisor/notify.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>

#include "base/sys.h"

namespace sluice::supervisor {
namespace {

// A service manager's socket; `name` may begin with '@' for an abstract one.
class Notify : public testing::Test {
 protected:
  void listen_on(const std::string& name) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::ranges::copy(name, address.sun_path);
    if (name[0] == '@') address.sun_path[0] = '\0';
    socket_ = Fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address),
                     static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size())),
              0);
    ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
  }
  std::string received() {
    std::array<char, 256> bytes{};
    const sys::Io io = sys::read(socket_.get(), bytes);
    return {bytes.data(), io.bytes};
  }
  ~Notify() override { ::unsetenv("NOTIFY_SOCKET"); }

  Fd socket_;
};

TEST_F(Notify, SendsOneDatagramToAPath) {
  const std::string path = testing::TempDir() + "notify_test." + std::to_string(::getpid());
  listen_on(path);
  notify_service_manager("READY=1\nSTATUS=serving");
  EXPECT_EQ(received(), "READY=1\nSTATUS=serving");
  EXPECT_EQ(received(), "");
  ::unlink(path.c_str());
}

TEST_F(Notify, KnowsAbstractNames) {
  listen_on("@sluice-notify-test-" + std::to_string(::getpid()));
  notify_service_manager("STOPPING=1");
  EXPECT_EQ(received(), "STOPPING=1");
}

TEST_F(Notify, WaitsForAManagerThatIsBusy) {
  listen_on("@sluice-notify-test-" + std::to_string(::getpid()));
  while (notify_service_manager("WATCHDOG=1", {}, Millis(0))) {}
  const pid_t busy = ::fork();
  if (busy == 0) {
    (void)::poll(nullptr, 0, 100);
    while (received() == "WATCHDOG=1") {}
    ::_exit(0);
  }
  EXPECT_TRUE(notify_service_manager("READY=1", {}, Millis(20'000)));
  EXPECT_EQ(::waitpid(busy, nullptr, 0), busy);
}

TEST_F(Notify, WithoutAUsableSocketNothingHappens) {
  listen_on("@sluice-notify-test-" + std::to_string(::getpid()));
  for (const std::string& where : {std::string(), std::string("relative"), std::string("/nonexistent/socket"),
                                   "/" + std::string(sizeof(sockaddr_un::sun_path), 'x')}) {
    ::setenv("NOTIFY_SOCKET", where.c_str(), 1);
    notify_service_manager("READY=1");
  }
  ::unsetenv("NOTIFY_SOCKET");
  notify_service_manager("READY=1");
  EXPECT_EQ(received(), "");
}

}  // namespace
}  // namespace sluice::supervisor
