#include "supervisor/log_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace sluice::supervisor {
namespace {
using nlohmann::json;

const LogStamp kStamp("acme", 1, 77);

TEST(LogLine, StampsInFrontOfTheWorkersOwnMembers) {
  EXPECT_EQ(stamped(kStamp, R"({"time":"t","level":"info","event":"x"})"),
            "{\"tenant\":\"acme\",\"worker\":1,\"pid\":77,\"time\":\"t\",\"level\":\"info\",\"event\":\"x\"}\n");
  EXPECT_EQ(stamped(kStamp, "{}"), "{\"tenant\":\"acme\",\"worker\":1,\"pid\":77}\n");
  EXPECT_EQ(stamped(kStamp, "{ \t}"), "{\"tenant\":\"acme\",\"worker\":1,\"pid\":77}\n");
}

TEST(LogLine, AWorkerCannotSpeakForAnother) {
  for (const std::string line :
       {R"({"tenant":"other"})", R"({"a":1,"pid":1})", R"({"ten\u0061nt":"other"})", R"({"a":{}} {"tenant":"other"})",
        R"({"a":1}, "tenant":"x")", "{\"a\":1}\r{\"tenant\":\"other\"}"}) {
    const json out = json::parse(stamped(kStamp, line));
    EXPECT_EQ(out["tenant"], "acme") << line;
    EXPECT_EQ(out["event"], "stderr") << line;
    EXPECT_EQ(out["text"], line);
  }
}

TEST(LogLine, StampedNamesDeeperInsideAreTheWorkersBusiness) {
  EXPECT_TRUE(may_pass(R"({"a":{"tenant":"x"},"b":[{"pid":1}]})"));
}

TEST(LogLine, WrapsWhatIsNotAnObject) {
  for (const std::string line :
       {"==7==ERROR: AddressSanitizer: heap-use-after-free", "", "[1]", "{", "{\"a\":}", "{\"a\":1,}", "{\"a\":01}",
        "{\"a\":\"\x01\"}", "{\"a\":\"\xff\"}", "{\"a\":tru}", "{\"a\":\"\\x\"}"}) {
    EXPECT_FALSE(may_pass(line)) << line;
    const json out = json::parse(stamped(kStamp, line));
    EXPECT_EQ(out["level"], "error");
    EXPECT_EQ(out["event"], "stderr");
  }
}

TEST(LogLine, DepthIsBounded) {
  EXPECT_FALSE(may_pass("{\"a\":" + std::string(10'000, '[') + std::string(10'000, ']') + "}"));
}

// Whatever the scanner lets through, a real parser must agree with.
TEST(LogLine, AgreesWithAParserOnEveryMutationOfALine) {
  const std::string line = R"({"a":"x\u00e9\n","b":[1,-2.5e+3,null],"c":{"d":true},"e":0})";
  ASSERT_TRUE(may_pass(line));
  for (std::size_t at = 0; at < line.size(); ++at)
    for (const char c : {'"', '{', '}', '[', ']', ',', ':', '\\', '0', 'e', ' ', '\x7f', '\xc3'}) {
      std::string mutated = line;
      mutated[at] = c;
      if (may_pass(mutated)) EXPECT_TRUE(json::accept(mutated)) << mutated;
      mutated = line.substr(0, at);
      EXPECT_FALSE(may_pass(mutated)) << mutated;
    }
}

TEST(LogLine, ForPeopleIsOneShortLine) {
  EXPECT_EQ(for_people(R"({"tenant":"acme","worker":1,"pid":77,"time":"2026-01-31T10:00:00.123456Z","level":"warn",)"
                       R"("event":"worker ended","why":"killed by SIGSEGV","n":3})",
                       Colour::kOff),
            "10:00:00.123 WARN  acme/1 worker ended  pid=77  why=\"killed by SIGSEGV\"  n=3\n");
}

TEST(LogLine, NothingInAValueMovesTheTerminal) {
  const std::string text =
      for_people(R"({"time":"x","level":"info","event":"a\u001b[2J","k\u001b":"\u009b2J\n"})", Colour::kOff);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find("\xc2\x9b"), std::string::npos);
  EXPECT_EQ(text.find('\n'), text.size() - 1);
}

}  // namespace
}  // namespace sluice::supervisor
