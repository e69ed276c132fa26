#pragma once

#include "daemon/options.hpp"

namespace hogwild::daemon {

/// Each runs one command of the program to its end and returns the process's exit code. Results go
/// to standard output, errors to standard error.
int run_train(const TrainOptions& options);
int run_predict(const PredictOptions& options);
int run_data(const DataOptions& options);
int run_client(const ClientOptions& options);
int run_report(const ReportOptions& options);
int run_node(const NodeOptions& options);
int run_keygen(const KeygenOptions& options);

}  // namespace hogwild::daemon
