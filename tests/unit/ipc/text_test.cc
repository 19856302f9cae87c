// What may be shown to people, and what is put in place of the rest.
#include "ipc/text.h"

#include <gtest/gtest.h>

namespace sluice::ipc {
namespace {

#define BAD "\xEF\xBF\xBD"

TEST(Printable, KeepsTextInAnyScript) {
  for (const char* text : {"", "plain", "größer", "日本語", "\xF0\x9F\x9A\xB0", "\xC2\xA0", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_TRUE(is_printable(text)) << text;
    EXPECT_EQ(printable(text), text);
  }
}

TEST(Printable, ReplacesWhatIsNotTextOrMovesATerminal) {
  struct Case {
    std::string_view bytes;
    std::string_view shown;
  };
  constexpr std::string_view kZero{"a\0b", 3};
  for (const Case& c : {
           Case{"\x1b[2J", BAD "[2J"}, Case{"a\nb", "a" BAD "b"}, Case{kZero, "a" BAD "b"}, Case{"\x7F", BAD},
           Case{"\xC2\x9B", BAD},                      // C1: a control sequence begins
           Case{"\xE2\x80\xAE", BAD},                  // right-to-left override
           Case{"\xC3", BAD}, Case{"\x80", BAD},       // cut, alone
           Case{"\xC0\xAF", BAD BAD},                  // overlong slash
           Case{"\xED\xA0\x80", BAD BAD BAD},          // surrogate
           Case{"\xF4\x90\x80\x80", BAD BAD BAD BAD},  // beyond Unicode
           Case{"\xE0\x80\x80x", BAD BAD BAD "x"},     // overlong
           Case{"\xF0\x9F\x9Ax", BAD BAD BAD "x"},     // cut in the middle
       }) {
    EXPECT_FALSE(is_printable(c.bytes)) << c.shown;
    EXPECT_EQ(printable(c.bytes), c.shown);
    EXPECT_TRUE(is_printable(printable(c.bytes)));
  }
}

TEST(CutAtCharacter, NeverEndsInsideOne) {
  EXPECT_EQ(cut_at_character("abc", 3), "abc");
  EXPECT_EQ(cut_at_character("abc", 2), "ab");
  EXPECT_EQ(cut_at_character("a\xC3\xA4", 2), "a");
  EXPECT_EQ(cut_at_character("\xF0\x9F\x9A\xB0", 3), "");
  EXPECT_EQ(cut_at_character("\x80\x80\x80", 2), "");
}

}  // namespace
}  // namespace sluice::ipc
