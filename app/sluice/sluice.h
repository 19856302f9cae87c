// The public face of Sluice in one include: `#include <sluice/sluice.h>`. See docs/hooks.md and app/examples.
#pragma once
#include "app/sluice/context.h"
#include "app/sluice/decision.h"
#include "app/sluice/hook.h"
#include "app/sluice/run.h"
#include "base/task.h"
