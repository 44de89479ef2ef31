#include "server/jobs/algorithms.hpp"

#include <array>

#include "fmt/format.h"

namespace sagelet::jobs {

namespace {

/// All that XGBoost's own evaluation prints; the image's few additions among them.
constexpr std::array<std::string_view, 32> kXgboostMetrics{"rmse",
                                                           "rmsle",
                                                           "mae",
                                                           "mape",
                                                           "mphe",
                                                           "mse",
                                                           "r2",
                                                           "logloss",
                                                           "error",
                                                           "merror",
                                                           "mlogloss",
                                                           "auc",
                                                           "aucpr",
                                                           "pre",
                                                           "ndcg",
                                                           "map",
                                                           "accuracy",
                                                           "f1",
                                                           "f1_binary",
                                                           "f1_macro",
                                                           "recall",
                                                           "precision",
                                                           "recall_macro",
                                                           "precision_macro",
                                                           "balanced_accuracy",
                                                           "poisson-nloglik",
                                                           "gamma-nloglik",
                                                           "gamma-deviance",
                                                           "tweedie-nloglik",
                                                           "cox-nloglik",
                                                           "aft-nloglik",
                                                           "interval-regression-accuracy"};

}  // namespace

std::string_view algorithm_of(std::string_view framework) {
  return framework == "xgboost" ? framework : std::string_view();
}

std::vector<MetricSpec> metrics_of(std::string_view algorithm) {
  std::vector<MetricSpec> metrics;
  if (algorithm != "xgboost") return metrics;
  for (const std::string_view data : {"train", "validation"})
    for (const std::string_view name : kXgboostMetrics)
      metrics.push_back(
          {fmt::format("{}:{}", data, name),
           fmt::format(R"(.*\[[0-9]+\].*#011{}-{}:([-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?).*)", data,
                       name)});
  return metrics;
}

}  // namespace sagelet::jobs
