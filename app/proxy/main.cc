// sluice-proxy: the stock application. No hooks: everything it does is in the configuration.
#include <sluice/sluice.h>

int main(int argc, char** argv) {
  return sluice::run(argc, argv,
                     {.name = "sluice-proxy", .version = SLUICE_VERSION, .description = "Proxy by configuration"},
                     [](const sluice::NoSettings&) { return sluice::Hooks<>(); });
}
