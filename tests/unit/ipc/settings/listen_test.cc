// Listen addresses: both stacks only by explicit word.
#include "ipc/settings/listen.h"

#include <gtest/gtest.h>

namespace sluice::ipc {
namespace {

TEST(ListenAddress, PrintsWhatItRead) {
  for (const char* text :
       {"127.0.0.1:8080", "[::1]:8080", "[::]:80", "dual:[::]:80", "unix:/run/app.sock", "0.0.0.0:0"}) {
    const Result<ListenAddress> address = ListenAddress::parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->text(), text);
    EXPECT_EQ(address->stack == ListenAddress::Stack::kDual, std::string_view(text).starts_with("dual:"));
  }
}

TEST(ListenAddress, HasBothStacksOnlyOnTheUnspecifiedAddress) {
  for (const char* text :
       {"dual:0.0.0.0:80", "dual:[::1]:80", "dual:unix:/x", "dual:dual:[::]:80", "dual:", "dual:[::ffff:0.0.0.0]:80"})
    EXPECT_FALSE(ListenAddress::parse(text)) << text;
}

TEST(ListenAddress, RefusesWhatCannotBeListenedOn) {
  for (const char* text :
       {"", "8080", ":8080", "localhost:80", "*:80", "[::ffff:127.0.0.1]:80", "unix:app.sock", "127.0.0.1:99999"})
    EXPECT_FALSE(ListenAddress::parse(text)) << text;
}

}  // namespace
}  // namespace sluice::ipc
