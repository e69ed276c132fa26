#pragma once

#include "http/endpoint.hpp"

/// Handlers of what only shows: values of the backend in the form that the client likes.
namespace hogwild::http {

[[nodiscard]] Answer get_livez(const Call& call);
[[nodiscard]] Answer get_readyz(const Call& call);
[[nodiscard]] Answer get_startupz(const Call& call);
[[nodiscard]] Answer get_metrics(const Call& call);
[[nodiscard]] Answer get_status(const Call& call);
[[nodiscard]] Answer get_members(const Call& call);
[[nodiscard]] Answer get_history(const Call& call);
[[nodiscard]] Answer get_deltas(const Call& call);
[[nodiscard]] Answer get_model(const Call& call);
[[nodiscard]] Answer get_model_liblinear(const Call& call);
[[nodiscard]] Answer get_model_csv(const Call& call);
[[nodiscard]] Answer get_model_bin(const Call& call);
[[nodiscard]] Answer get_logs(const Call& call);
[[nodiscard]] Answer get_report(const Call& call);
[[nodiscard]] Answer get_report_file(const Call& call);
[[nodiscard]] Answer get_config(const Call& call);
[[nodiscard]] Answer get_events(const Call& call);
[[nodiscard]] Answer post_predict(const Call& call);

}  // namespace hogwild::http
