#include "base/template_text.h"

#include <gtest/gtest.h>

#include <array>

namespace sluice {
namespace {
constexpr std::array<std::string_view, 2> kNames = {"host", "path"};

std::string render(std::string_view text) {
  const Result<TemplateText> parsed = TemplateText::parse(text, kNames);
  if (!parsed) return "error: " + parsed.error().what();
  std::string out;
  parsed->render(out, [](std::string& into, std::size_t name) { into += name == 0 ? "<h>" : "<p>"; });
  return out;
}

TEST(TemplateText, ReplacesPlaceholdersAndNothingElse) {
  EXPECT_EQ(render("https://${host}${path}!"), "https://<h><p>!");
  EXPECT_EQ(render(""), "");
  EXPECT_EQ(render(R"({"a": {"b": 1}, "c": "$5 {host} $host"})"), R"({"a": {"b": 1}, "c": "$5 {host} $host"})");
  EXPECT_EQ(render("$${host} $$${host}"), "${host} $${host}");
}

TEST(TemplateText, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(render("${hots}"), "error: has the unknown placeholder \"${hots}\"");
  EXPECT_EQ(render("x ${host"), "error: has the unknown placeholder \"${host\", which nothing closes");
  EXPECT_EQ(render("${}"), "error: has the unknown placeholder \"${}\"");
}

}  // namespace
}  // namespace sluice
