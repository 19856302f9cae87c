#include "app/sluicectl/table.h"

#include <gtest/gtest.h>

namespace sluice::ctl {
namespace {

TEST(Table, ColumnsAreAsWideAsTheirWidestCell) {
  Table table({"A", "LONG", "C"});
  EXPECT_TRUE(table.empty());
  table.add({"wide cell", "x", ""});
  table.add({"ü", "y", "z"});
  EXPECT_EQ(table.text(),
            "A          LONG  C\n"
            "wide cell  x\n"
            "ü          y     z\n");
}

TEST(Table, NothingInACellMovesTheTerminal) {
  Table table({"TARGET"});
  table.add({"\x1b[2J\r\n\x07 \xff"});
  const std::string text = table.text();
  EXPECT_EQ(text, "TARGET\n\\u001b[2J\\r\\n\\u0007 \xef\xbf\xbd\n");
}

TEST(Harmless, LeavesOrdinaryTextAlone) {
  EXPECT_EQ(harmless("/index.html?q=ü"), "/index.html?q=ü");
  EXPECT_EQ(harmless(R"({"a": "\\"})"), R"({"a": "\\"})");
  EXPECT_EQ(harmless(""), "");
}

TEST(BytesText, ChoosesTheUnit) {
  EXPECT_EQ(bytes_text(0), "0 B");
  EXPECT_EQ(bytes_text(1023), "1023 B");
  EXPECT_EQ(bytes_text(1536), "1.5 KiB");
  EXPECT_EQ(bytes_text(std::uint64_t{3} << 40U), "3.0 TiB");
  EXPECT_EQ(bytes_text(~std::uint64_t{0}), "16384.0 PiB");
}

TEST(AgeText, ShowsTheTwoLargestUnits) {
  EXPECT_EQ(age_text(-5), "0s") << "clocks differ";
  EXPECT_EQ(age_text(59), "59s");
  EXPECT_EQ(age_text(185), "3m 5s");
  EXPECT_EQ(age_text(7200), "2h 0m");
  EXPECT_EQ(age_text(9 * 86'400 + 4 * 3600 + 1), "9d 4h");
}

}  // namespace
}  // namespace sluice::ctl
