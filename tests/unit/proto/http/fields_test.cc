#include "proto/http/fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cctype>
#include <string>
#include <utility>
#include <vector>

namespace sluice::http {
namespace {
using testing::ElementsAre;
using testing::IsEmpty;
using namespace std::string_literals;

std::vector<std::string> lines(const Fields& fields) {
  std::vector<std::string> all;
  for (const Field field : fields) all.push_back(std::string(field.name) + "=" + std::string(field.value));
  return all;
}
std::vector<std::string> members(const Fields& fields, FieldId id) {
  std::vector<std::string> all;
  for (const std::string_view member : fields.members(id)) all.emplace_back(member);
  return all;
}
void add(Fields& fields, std::string_view name, std::string_view value) {
  ASSERT_TRUE(fields.add(name, value));
}

TEST(FieldId, IsFoundWhateverTheCase) {
  for (std::size_t i = 1; i < kFieldIds; ++i) {
    const auto id = static_cast<FieldId>(i);
    std::string text(field_name(id));
    ASSERT_FALSE(text.empty());
    EXPECT_EQ(field_id(text), id) << text;
    for (char& c : text) c = static_cast<char>(std::toupper(c));
    EXPECT_EQ(field_id(text), id) << text;
    for (char& c : text) c = static_cast<char>(std::tolower(c));
    EXPECT_EQ(field_id(text), id) << text;
    EXPECT_EQ(field_id(text + "x"), FieldId::kOther);
    for (std::size_t at = 0; at < text.size(); ++at) {
      for (const char other : {'q', '!', '\r', '\0', '\x12'}) {
        std::string changed = text;
        if (std::exchange(changed[at], other) == other) continue;
        EXPECT_EQ(field_id(changed), FieldId::kOther) << changed;
      }
    }
  }
  EXPECT_EQ(field_id(""), FieldId::kOther);
  EXPECT_EQ(field_id("Content\rLength"), FieldId::kOther);  // CR and '-' differ by the bit that makes lower case
  EXPECT_EQ(field_id(std::string(1000, 'a')), FieldId::kOther);
}

TEST(Fields, KeepOrderAndSpelling) {
  Fields fields;
  add(fields, "x-B", "1");
  add(fields, "HOST", "h");
  add(fields, "X-b", "2");
  EXPECT_THAT(lines(fields), ElementsAre("x-B=1", "HOST=h", "X-b=2"));
  EXPECT_EQ(fields.find("X-B"), "1");
  EXPECT_EQ(fields.find(FieldId::kHost), "h");
  EXPECT_EQ(fields.count("x-b"), 2U);
  EXPECT_EQ(fields.size(), 3U);
  EXPECT_EQ(fields.wire_size(), 3U + 1 + 4 + 4 + 1 + 4 + 3 + 1 + 4);
}

TEST(Fields, RefuseWhatCouldSplitAHead) {
  Fields fields;
  for (const std::string& name : {""s, " "s, "a b"s, "a:"s, ":a"s, "a\r"s, "a\n"s, "a\0"s, "a\x80"s, "a("s, "a,b"s})
    EXPECT_FALSE(fields.add(name, "v")) << name;
  for (const std::string& value :
       {"a\r\nb: c"s, "a\n"s, "a\r"s, "a\0b"s, "\x01"s, "a\x7f"s, " a"s, "a "s, "\ta"s, "a\t"s, " "s}) {
    EXPECT_FALSE(fields.add("a", value)) << value;
    EXPECT_FALSE(fields.set("a", value)) << value;
  }
  EXPECT_TRUE(fields.empty());
  EXPECT_TRUE(fields.add("a", ""));
  EXPECT_TRUE(fields.add("a!#$%&'*+-.^_`|~9", "b\t\xff c\""));
}

TEST(FieldsDeathTest, AbortOnABadValueOfOurOwnMaking) {
  Fields fields;
  EXPECT_DEATH(fields.add(FieldId::kServer, "a\r\nb"), "malformed");
  EXPECT_DEATH(fields.set(FieldId::kServer, "a\r\nb"), "malformed");
  EXPECT_DEATH(fields.add(FieldId::kOther, "a"), "malformed");
}

TEST(Fields, SetReplacesEveryLineInThePlaceOfTheFirst) {
  Fields fields;
  add(fields, "A", "1");
  add(fields, "Via", "2");
  add(fields, "a", "3");
  add(fields, "via", "4");
  ASSERT_TRUE(fields.set("a", "new"));
  fields.set(FieldId::kVia, "newer");
  ASSERT_TRUE(fields.set("C", "added"));
  fields.set(FieldId::kDate, "now");
  EXPECT_THAT(lines(fields), ElementsAre("A=new", "Via=newer", "C=added", "Date=now"));
  EXPECT_EQ(fields.size(), 4U);
}

TEST(Fields, SetMayTakeItsValueFromTheFieldItself) {
  Fields fields;
  add(fields, "Via", "1.1 first, 1.1 second");
  fields.set(FieldId::kVia, fields.find(FieldId::kVia)->substr(11));
  EXPECT_THAT(lines(fields), ElementsAre("Via=1.1 second"));
}

TEST(Fields, RemoveTakesEveryLineOfThatName) {
  Fields fields;
  add(fields, "Cookie", "1");
  add(fields, "X", "2");
  add(fields, "cookie", "3");
  add(fields, "x", "4");
  EXPECT_EQ(fields.remove(FieldId::kCookie), 2U);
  EXPECT_EQ(fields.remove(FieldId::kCookie), 0U);
  EXPECT_EQ(fields.remove("x"), 2U);
  EXPECT_EQ(fields.remove("absent"), 0U);
  EXPECT_TRUE(fields.empty());
  EXPECT_FALSE(fields.has("X"));
  EXPECT_FALSE(fields.has(FieldId::kCookie));
  EXPECT_THAT(lines(fields), IsEmpty());
  add(fields, "Cookie", "5");
  EXPECT_EQ(fields.find("cookie"), "5");
  EXPECT_EQ(fields.count("cookie"), 1U);
}

TEST(Fields, PointersStayGoodWhileFieldsGrow) {
  Fields fields;
  add(fields, "First", "kept");
  const std::string_view first = *fields.find("first");
  for (int i = 0; i < 200; ++i) add(fields, "X-" + std::to_string(i), std::string(50, 'v'));
  add(fields, "Large", std::string(100000, 'w'));
  EXPECT_EQ(first, "kept");
  EXPECT_EQ(first.data(), fields.find("first")->data());
  EXPECT_EQ(fields.size(), 202U);
  EXPECT_EQ(fields.find("large")->size(), 100000U);
  EXPECT_EQ(fields.find("x-199"), std::string(50, 'v'));
  fields.remove("x-100");
  EXPECT_EQ(fields.size(), 201U);
  EXPECT_EQ(lines(fields).size(), 201U);
}

TEST(Fields, ClearForgetsAndIsUsedAgain) {
  Fields fields;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 50; ++i) add(fields, "X-" + std::to_string(i), std::string(100, 'v'));
    EXPECT_EQ(fields.size(), 50U);
    fields.clear();
    EXPECT_TRUE(fields.empty());
    EXPECT_FALSE(fields.has("X-1"));
    EXPECT_THAT(lines(fields), IsEmpty());
  }
}

TEST(Fields, CopyStandsOnItsOwn) {
  Fields copy;
  {
    Fields fields;
    add(fields, "A", "1");
    add(fields, "Host", "h");
    add(fields, "B", "2");
    fields.remove("A");
    copy.copy_from(fields);
  }
  EXPECT_THAT(lines(copy), ElementsAre("Host=h", "B=2"));
  EXPECT_EQ(copy.find(FieldId::kHost), "h");
}

TEST(Fields, WalkTheMembersOfAList) {
  Fields fields;
  EXPECT_THAT(members(fields, FieldId::kConnection), IsEmpty());
  add(fields, "Connection", "");
  add(fields, "Connection", "close,  \t keep-alive ,,x");
  add(fields, "Via", "1.1 \"a,b\\\",c\", 1.1 d");
  add(fields, "connection", ",");
  add(fields, "CONNECTION", "Upgrade");
  EXPECT_THAT(members(fields, FieldId::kConnection), ElementsAre("close", "keep-alive", "x", "Upgrade"));
  EXPECT_THAT(members(fields, FieldId::kVia), ElementsAre("1.1 \"a,b\\\",c\"", "1.1 d"));
  EXPECT_TRUE(fields.has_token(FieldId::kConnection, "KEEP-ALIVE"));
  EXPECT_TRUE(fields.has_token(FieldId::kConnection, "upgrade"));
  EXPECT_FALSE(fields.has_token(FieldId::kConnection, "keep"));
  EXPECT_FALSE(fields.has_token(FieldId::kConnection, ""));
  EXPECT_FALSE(fields.has_token(FieldId::kTe, "trailers"));
}

TEST(Fields, WalkAListWithAnOpenQuoteToItsEnd) {
  Fields fields;
  add(fields, "Via", "a, \"b, c\\");
  add(fields, "Via", "d");
  EXPECT_THAT(members(fields, FieldId::kVia), ElementsAre("a", "\"b, c\\", "d"));
}

}  // namespace
}  // namespace sluice::http
