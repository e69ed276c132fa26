#pragma once

namespace hogwild::daemon {

/// What the process ends with; scripts rely on these.
enum ExitCode : int {
  kDone = 0,
  kFailed = 1,   ///< failed while running
  kUsage = 2,    ///< wrong usage
  kBadData = 3,  ///< unusable data or model
  kRefused = 4,  ///< refused by the cluster
  kInterrupted = 130,
};

}  // namespace hogwild::daemon
