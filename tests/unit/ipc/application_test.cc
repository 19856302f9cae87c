#include "ipc/application.h"

#include <gtest/gtest.h>

namespace sluice::ipc {
namespace {

TEST(Application, ADescriptionSurvivesTheWay) {
  const ApplicationDescription said{.name = "firewall",
                                    .version = "1.2",
                                    .description = "Refuses \"things\".",
                                    .tenant = {.yaml = "# a\nb: 1\n", .schema = "{}"},
                                    .endpoint = {},
                                    .parents = ApplicationDescription::Parents::kHeard};
  const Result<ApplicationDescription> heard = decode_description(encode(said));
  ASSERT_TRUE(heard);
  EXPECT_EQ(heard->name, said.name);
  EXPECT_EQ(heard->version, said.version);
  EXPECT_EQ(heard->description, said.description);
  EXPECT_EQ(heard->tenant.yaml, said.tenant.yaml);
  EXPECT_EQ(heard->tenant.schema, said.tenant.schema);
  EXPECT_EQ(heard->endpoint.yaml, "");
  EXPECT_EQ(heard->parents, said.parents);
}

TEST(Application, SectionsKeepTheirPlacesSoThatProblemsCanNameThem) {
  const auto file = settings::parse_yaml("tenants:\n  - settings:\n      limit: 7\n", "sluice.yaml");
  ASSERT_TRUE(file.problems.empty());
  const Result<std::vector<SectionToCheck>> heard = decode_sections(
      encode(std::vector<SectionToCheck>{{SectionToCheck::Kind::kTenant, file.part("tenants[0].settings")},
                                         {SectionToCheck::Kind::kEndpoint, file.part("nothing")}}));
  ASSERT_TRUE(heard) << heard.error().message();
  ASSERT_EQ(heard->size(), 2U);
  EXPECT_EQ((*heard)[0].kind, SectionToCheck::Kind::kTenant);
  EXPECT_EQ((*heard)[0].document.file, "sluice.yaml");
  EXPECT_EQ((*heard)[0].document.path, "tenants[0].settings");
  ASSERT_NE((*heard)[0].document.root.find("limit"), nullptr);
  EXPECT_EQ((*heard)[0].document.root.find("limit")->mark.line, 3U);
  EXPECT_EQ((*heard)[1].kind, SectionToCheck::Kind::kEndpoint);

  settings::Problems problems;
  problems.add("sluice.yaml", {.line = 3, .column = 14}, "tenants[0].settings.limit", "7 is not enough");
  problems.add({.file = "sluice.yaml", .mark = {}, .path = "", .text = "not there", .cause = "unreadable_file"});
  const Result<settings::Problems> back = decode_problems(encode(problems));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->text(), problems.text());
  EXPECT_EQ(back->all()[0].cause, "");
  EXPECT_EQ(back->all()[1].cause, "unreadable_file");
}

TEST(Application, NonsenseIsAnErrorAndNotBelieved) {
  for (const std::string_view text : {"", "hello", "[]", "{}", "{\"name\":7}"})
    EXPECT_FALSE(decode_description(text)) << text;
  for (const std::string_view text : {"hello\n", "[]\n", "{}\n", "{\"section\":\"tenant\",\"document\":\"x\"}\n"})
    EXPECT_FALSE(decode_sections(text)) << text;
  EXPECT_FALSE(decode_problems("{\"line\":1}\n"));
  EXPECT_TRUE(decode_problems("")->empty());
}

}  // namespace
}  // namespace sluice::ipc
