// The control protocol: lines, values, and a client and a server that talk to each other.
#include "ipc/control.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/frames.h"
#include "base/net/address.h"
#include "base/scope.h"
#include "base/sys.h"
#include "ipc/control_client.h"
#include "ipc/control_server.h"

namespace sluice::ipc {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(LineSplitter, CutsLinesHoweverTheyArrive) {
  const std::string text = "one\n\n \r\ntwo\nthree\nhalf";
  for (std::size_t step = 1; step <= text.size(); ++step) {
    LineSplitter splitter(5);
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < text.size(); at += step) {
      splitter.feed(std::string_view(text).substr(at, step));
      while (auto line = *splitter.next()) lines.push_back(*line);
    }
    EXPECT_THAT(lines, ElementsAre("one", "two", "three")) << step;
    EXPECT_TRUE(splitter.in_line());
  }
}

TEST(LineSplitter, RefusesALineBeyondItsBound) {
  LineSplitter whole(4);
  whole.feed("12345\n");
  EXPECT_EQ(whole.next().error().code(), Code::kTooLarge);
  LineSplitter growing(4);
  growing.feed("1234");
  EXPECT_TRUE(growing.next());
  growing.feed("5");
  EXPECT_EQ(growing.next().error().code(), Code::kTooLarge);
  EXPECT_EQ(growing.next().error().code(), Code::kTooLarge);
}

TEST(Control, RefusesWhatIsNotARequest) {
  EXPECT_TRUE(parse_request(R"({"command":"status","all":true})"));
  const std::string deep = R"({"command":"x","a":)" + std::string(16, '[') + std::string(16, ']') + "}";
  const std::string shallow =
      R"({"command":"x","a":)" + std::string(15, '[') + "\"]]]\\\"[\"" + std::string(15, ']') + "}";
  EXPECT_TRUE(parse_request(shallow));
  for (const std::string& line :
       {std::string("status"), std::string("[]"), std::string("{}"), std::string(R"({"command":7})"),
        std::string(R"({"command":""})"), std::string(R"({"command":"status"} x)"),
        std::string("{\"command\":\"\xFF\"}"), deep}) {
    const auto request = parse_request(line);
    ASSERT_FALSE(request) << line;
    EXPECT_EQ(request.error().code(), Code::kBadSyntax);
  }
}

TEST(Control, KeepsTheKindsOfRepliesApart) {
  EXPECT_EQ(kind_of(*parse_reply(item_line({{"a", 1}}))), ReplyKind::kItem);
  EXPECT_EQ(kind_of(*parse_reply(result_line(json::object()))), ReplyKind::kResult);
  const json error = *parse_reply(error_line(Error(Code::kBadConfig, "no \x1b[2J such \xFFtenant")));
  ASSERT_EQ(kind_of(error), ReplyKind::kError);
  EXPECT_EQ(error_of(error).code(), Code::kBadConfig);
  EXPECT_EQ(error_of(error).what(), "no \xEF\xBF\xBD[2J such \xEF\xBF\xBDtenant");
  for (const char* line :
       {"{}", R"({"done":true})", R"({"result":1})", R"({"done":1,"result":1})", "[]", R"({"done":true,"error":"x"})",
        R"({"done":true,"result":1,"error":{"code":"a","message":"b"}})"})
    EXPECT_EQ(parse_reply(line).error().code(), Code::kProtocol) << line;
}

TEST(Control, LetsInRootTheOwnerAndTheGroup) {
  const Identity who{.pid = 1, .uid = 1000, .groups = {1000, 27}};
  EXPECT_TRUE(may_control(who, 1000, std::nullopt));
  EXPECT_FALSE(may_control(who, 1001, std::nullopt));
  EXPECT_TRUE(may_control(who, 1001, 27));
  EXPECT_FALSE(may_control(who, 1001, 28));
  EXPECT_TRUE(may_control({.uid = 0}, 1001, std::nullopt));
}

// A server that answers every command with two items and its arguments.
Task<> answer(Loop& loop, ControlConnection& connection) {
  for (;;) {
    const Deadline deadline(loop.now() + Millis(5000));
    const auto request = co_await connection.next(deadline);
    if (!request || !*request) break;
    if (command_of(**request) == "refuse") {
      const Error error(Code::kForbidden, "not today");
      const Result<> told = co_await connection.error(error);
      EXPECT_TRUE(told);
      continue;
    }
    for (const int n : {1, 2}) {
      const json item{{"n", n}};
      const Result<> told = co_await connection.item(item);
      EXPECT_TRUE(told);
    }
    const Result<> told = co_await connection.result(**request);
    EXPECT_TRUE(told);
  }
  loop.stop();
}

class ControlSocketTest : public testing::Test {
 protected:
  ControlSocketTest() {
    const RawAddress raw = SocketAddress::parse("unix:" + path_)->raw();
    EXPECT_EQ(::bind(listener_.get(), raw.get(), raw.size), 0);
    EXPECT_EQ(::listen(listener_.get(), 8), 0);
  }
  ~ControlSocketTest() override {
    std::filesystem::remove(path_);
    EXPECT_EQ(frames::live(), 0);
  }
  Fd accept() {
    sockaddr_storage peer{};
    socklen_t length = 0;
    return std::move(sys::accept(listener_.get(), peer, length).fd);
  }
  // Serves one connection in this thread until the client has gone.
  void serve() {
    Fd fd = accept();
    ASSERT_TRUE(fd);
    Loop loop;
    ControlConnection connection(loop, std::move(fd), Millis(5000));
    Scope scope;
    scope.spawn([&] { return answer(loop, connection); });
    if (!scope.empty()) loop.run();
  }

  std::string path_ = testing::TempDir() + "control-" + std::to_string(::getpid()) + ".sock";
  Fd listener_ = *sys::socket(AF_UNIX, SOCK_STREAM, 0);
};

TEST_F(ControlSocketTest, AnswersWithItemsAndAResult) {
  Result<ControlClient> client = ControlClient::connect(path_);
  ASSERT_TRUE(client);
  std::jthread asker([&] {
    ControlClient asking = std::move(*client);  // gone at the end of the thread, which ends the server
    std::vector<int> items;
    const auto take = [&](const json& item) { items.push_back(item["n"].get<int>()); };
    const Deadline deadline(steady_now() + Millis(5000));
    const std::string big(40'000, 'x');
    const auto result = asking.call({{"command", "status"}, {"text", big}}, take, deadline);
    ASSERT_TRUE(result);
    EXPECT_EQ((*result)["text"], big);
    EXPECT_THAT(items, ElementsAre(1, 2));
    const auto refused = asking.call({{"command", "refuse"}}, take, deadline);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Code::kForbidden);
    EXPECT_EQ(refused.error().what(), "not today");
    const auto too_big = asking.call({{"command", std::string(kMaxControlRequest, 'x')}}, take, deadline);
    ASSERT_FALSE(too_big);
    EXPECT_EQ(too_big.error().code(), Code::kTooLarge);
  });
  serve();
}

TEST_F(ControlSocketTest, AnswersABadLineWithAnErrorAndGoesOn) {
  const Fd fd = *sys::socket(AF_UNIX, SOCK_STREAM, 0);
  const RawAddress raw = SocketAddress::parse("unix:" + path_)->raw();
  ASSERT_TRUE(sys::connect(fd.get(), raw.get(), raw.size));
  ASSERT_TRUE(sys::send(fd.get(), std::string_view("nonsense\n{\"command\":\"refuse\"}\n{\"command\""), 0).done());
  sys::shutdown(fd.get(), SHUT_WR);
  serve();
  std::array<char, 1000> bytes{};
  const sys::Io io = sys::read(fd.get(), bytes);
  ASSERT_TRUE(io.done());
  EXPECT_EQ(std::string(bytes.data(), io.bytes),
            "{\"done\":true,\"error\":{\"code\":\"bad_syntax\",\"message\":\"not a line of JSON\"}}\n"
            "{\"done\":true,\"error\":{\"code\":\"forbidden\",\"message\":\"not today\"}}\n"
            "{\"done\":true,\"error\":{\"code\":\"bad_syntax\",\"message\":\"the last request has no line end\"}}\n");
}

TEST_F(ControlSocketTest, KnowsWhoConnected) {
  const Result<ControlClient> client = ControlClient::connect(path_);
  ASSERT_TRUE(client);
  const Fd fd = accept();
  const Result<Identity> who = identify(fd.get());
  ASSERT_TRUE(who);
  EXPECT_EQ(who->pid, ::getpid());
  EXPECT_EQ(who->uid, ::geteuid());
  EXPECT_THAT(who->groups, testing::Contains(::getegid()));
}

TEST_F(ControlSocketTest, SaysWhereNobodyListens) {
  const auto client = ControlClient::connect(path_ + ".not");
  ASSERT_FALSE(client);
  EXPECT_THAT(client.error().message(), HasSubstr(path_ + ".not"));
}

TEST_F(ControlSocketTest, SaysWhenTheSupervisorHangsUp) {
  Result<ControlClient> client = ControlClient::connect(path_);
  ASSERT_TRUE(client);
  { const Fd gone = accept(); }
  const auto result = client->call({{"command", "stop"}}, [](const json&) {}, Deadline(steady_now() + Millis(5000)));
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().code(), testing::AnyOf(Code::kClosed, Code::kReset));
}

}  // namespace
}  // namespace sluice::ipc
