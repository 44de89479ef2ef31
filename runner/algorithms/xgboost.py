"""XGBoost's built-in algorithm: the program inside AWS's image, open source there, run by the job's own interpreter.

Reads the three files of input/config and the channels train and validation, prints the metric lines that the service knows
this algorithm by, keeps checkpoints, and leaves model/xgboost-model. docs/design/algorithms.md says what it takes.
"""
import datetime
import json
import os
import pathlib
import re
import shutil
import sys
import tempfile
import traceback

BASE = pathlib.Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
CHECKPOINT = re.compile(r"xgboost-checkpoint\.([0-9]+)$")
KEPT_CHECKPOINTS = 5
TRACKER_PORT = 9099


class UserError(Exception):
    """The job's hyperparameters, channels or data are wrong: ClientError in FailureReason."""


def say(text):
    print(f"[{datetime.datetime.now():%Y-%m-%d:%H:%M:%S}:INFO] {text}", flush=True)


# --- hyperparameters: name -> (type, what is allowed) as the image has them

ANY, REAL = None, float("inf")
BETWEEN_0_AND_1 = lambda value: 0 <= value <= 1  # noqa: E731
ABOVE_0_TO_1 = lambda value: 0 < value <= 1  # noqa: E731
INSIDE_0_AND_1 = lambda value: 0 < value < 1  # noqa: E731
NOT_NEGATIVE = lambda value: value >= 0  # noqa: E731
POSITIVE = lambda value: value >= 1  # noqa: E731


def one_of(*names):
    return lambda value: value in names


HYPERPARAMETERS = {
    "num_round": (int, POSITIVE), "csv_weights": (int, one_of(0, 1)), "early_stopping_rounds": (int, POSITIVE),
    "booster": (str, one_of("gbtree", "gblinear", "dart")), "verbosity": (int, one_of(0, 1, 2, 3)), "nthread": (int, POSITIVE),
    "eta": (float, BETWEEN_0_AND_1), "gamma": (float, NOT_NEGATIVE), "max_depth": (int, NOT_NEGATIVE),
    "min_child_weight": (float, NOT_NEGATIVE), "max_delta_step": (float, NOT_NEGATIVE), "subsample": (float, ABOVE_0_TO_1),
    "sampling_method": (str, one_of("uniform", "gradient_based")), "colsample_bytree": (float, ABOVE_0_TO_1),
    "colsample_bylevel": (float, ABOVE_0_TO_1), "colsample_bynode": (float, ABOVE_0_TO_1), "lambda": (float, NOT_NEGATIVE),
    "alpha": (float, NOT_NEGATIVE), "tree_method": (str, one_of("auto", "exact", "approx", "hist")),
    "scale_pos_weight": (float, NOT_NEGATIVE), "updater": (str, ANY), "refresh_leaf": (int, one_of(0, 1)),
    "process_type": (str, one_of("default", "update")), "grow_policy": (str, one_of("depthwise", "lossguide")),
    "max_leaves": (int, NOT_NEGATIVE), "max_bin": (int, NOT_NEGATIVE), "sample_type": (str, one_of("uniform", "weighted")),
    "normalize_type": (str, one_of("tree", "forest")), "rate_drop": (float, BETWEEN_0_AND_1), "one_drop": (int, one_of(0, 1)),
    "skip_drop": (float, BETWEEN_0_AND_1), "tweedie_variance_power": (float, lambda value: 1 < value < 2),
    "huber_slope": (float, NOT_NEGATIVE), "objective": (str, ANY), "num_class": (int, lambda value: value >= 2),
    "base_score": (float, ANY), "eval_metric": (str, ANY), "seed": (int, ANY), "seed_per_iteration": (str, ANY),
    "num_parallel_tree": (int, POSITIVE), "monotone_constraints": (str, ANY), "interaction_constraints": (str, ANY),
    "max_cat_threshold": (int, ANY), "max_cat_to_onehot": (int, ANY), "feature_selector": (str, ANY), "top_k": (int, ANY),
    "aft_loss_distribution": (str, one_of("normal", "logistic", "extreme")), "aft_loss_distribution_scale": (float, ANY),
    "save_model_on_termination": (str, one_of("true", "false")), "_tuning_objective_metric": (str, ANY),
    "deterministic_histogram": (str, one_of("true", "false")), "sketch_eps": (float, INSIDE_0_AND_1),
    "predictor": (str, ANY), "dsplit": (str, one_of("row", "col")), "silent": (int, one_of(0, 1)), "lambda_bias": (float, ANY),
}
ALIASES = {"learning_rate": "eta", "min_split_loss": "gamma", "reg_lambda": "lambda", "reg_alpha": "alpha"}
NO_LONGER_XGBOOSTS = ("sketch_eps", "predictor", "dsplit", "silent", "lambda_bias", "deterministic_histogram")
NOT_HERE = {"_kfold": "k-fold cross validation", "_num_cv_round": "k-fold cross validation", "use_dask_gpu_training": "Dask on GPUs"}
GPU_METHODS = ("gpu_hist", "gpu_exact")


def parsed(name, text):
    if name in NOT_HERE:
        raise UserError(f"Hyperparameter {name}: {NOT_HERE[name]} is not emulated")
    if name not in HYPERPARAMETERS:
        raise UserError(f"Extraneous hyperparameter found: {name}")
    if name == "tree_method" and text in GPU_METHODS:
        raise UserError(f"Hyperparameter tree_method: {text} needs a GPU; use hist")
    kind, allowed = HYPERPARAMETERS[name]
    try:
        value = kind(text)
    except ValueError:
        raise UserError(f"Hyperparameter {name}: could not parse value {text!r} as {kind.__name__}") from None
    if allowed is not None and not allowed(value):
        raise UserError(f"Hyperparameter {name}: {value} is not in the range of allowed values")
    return value


def hyperparameters(raw):
    """Names in full, values typed. A client may send "10" with its quotes."""
    values = {}
    for name, text in raw.items():
        if name.startswith("sagemaker_"):
            continue
        text = text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text
        name = ALIASES.get(name, name)
        values[name] = parsed(name, text)
    if "num_round" not in values:
        raise UserError("Missing required hyperparameter: num_round")
    if values.get("objective", "").startswith("multi:") and "num_class" not in values:
        raise UserError(f"Hyperparameter num_class is required for the objective {values['objective']}")
    return values


# --- data

KINDS = {"": "libsvm", "libsvm": "libsvm", "text/libsvm": "libsvm", "text/x-libsvm": "libsvm", "csv": "csv", "text/csv": "csv",
         "parquet": "parquet", "application/x-parquet": "parquet"}


def kind_of(channel, settings):
    content_type = settings.get("ContentType", "").lower()
    if content_type.split(";")[0].strip() == "application/x-recordio-protobuf":
        raise UserError(f"Channel {channel}: {content_type} is not emulated; send text/csv, text/libsvm or application/x-parquet")
    if "label_size" in content_type and not re.search(r"label_size\s*=\s*1\b", content_type):
        raise UserError(f"Channel {channel}: {content_type} is not supported: label_size must be 1")
    kind = KINDS.get(content_type.split(";")[0].strip())
    if kind is None:
        raise UserError(f"Channel {channel}: {content_type} is not an accepted ContentType: " + ", ".join(sorted(filter(None, KINDS))))
    if settings.get("TrainingInputMode") == "Pipe":
        raise UserError(f"Channel {channel}: Pipe mode is not emulated for this algorithm; use File or FastFile")
    return kind


def files_of(channel):
    folder = BASE / "input" / "data" / channel
    found = [path for path in sorted(folder.rglob("*")) if path.is_file()
             and not any(part.startswith((".", "_")) for part in path.relative_to(folder).parts)]
    if not found:
        raise UserError(f"No data files found in the channel {channel}. Please check that its S3Uri has some")
    return found


def csv_table(path):
    import numpy
    with open(path, encoding="utf-8", errors="replace") as source:
        first = source.readline()
    delimiter = next((mark for mark in (",", "\t", ";", "|", " ") if mark in first.strip()), ",")
    try:
        float(first.strip().split(delimiter)[0].strip('"') or "nan")
    except ValueError:
        raise UserError(f"The first line of {path.name} is not numbers: {first.strip()[:80]!r}. Input must be csv without a header, "
                        "the label in the first column") from None
    try:
        try:
            import pandas
            return pandas.read_csv(path, header=None, sep=delimiter, dtype="float32").to_numpy()
        except ImportError:
            return numpy.genfromtxt(path, delimiter=delimiter, dtype="float32", ndmin=2)
    except ValueError as error:
        raise UserError(f"Failed to load csv data from {path.name}: {error}") from None


def parquet_table(path):
    try:
        import pyarrow.parquet
    except ImportError:
        raise UserError(f"Parquet needs the package pyarrow: {sys.executable} -m pip install pyarrow") from None
    try:
        columns = pyarrow.parquet.read_table(path).columns
    except (pyarrow.ArrowInvalid, OSError) as error:
        raise UserError(f"Failed to load parquet data from {path.name}: {error}") from None
    import numpy
    return numpy.column_stack([column.to_numpy() for column in columns]).astype("float32")


def matrix_of_tables(tables, weighted):
    import numpy
    import xgboost
    widths = {table.shape[1] for table in tables}
    if len(widths) != 1:
        raise UserError(f"Files of one channel differ in their number of columns: {sorted(widths)}")
    table = numpy.vstack(tables)
    features = 2 if weighted else 1
    if table.shape[1] <= features:
        raise UserError(f"{table.shape[1]} column(s) are too few: the first is the label" + (", the second the weight" if weighted else ""))
    return xgboost.DMatrix(table[:, features:], label=table[:, 0], weight=table[:, 1] if weighted else None)


def matrix_of_libsvm(files):
    import xgboost
    with open(files[0], encoding="utf-8", errors="replace") as source:
        first = source.readline()
    if not re.match(r"\s*\S+(\s+[0-9]+:\S+)*\s*$", first) or ("," in first and ":" not in first):
        raise UserError(f"Blankspace and colon not found in firstline '{first.strip()[:100]}' of file '{files[0].name}'. "
                        "ContentType by default is in libsvm; csv needs text/csv")
    with tempfile.NamedTemporaryFile(suffix=".libsvm") as whole:
        for path in files:
            with open(path, "rb") as source:
                shutil.copyfileobj(source, whole)
            whole.write(b"\n")
        whole.flush()
        return xgboost.DMatrix(f"{whole.name}?format=libsvm")


def matrix(channel, settings, weighted):
    kind, files = kind_of(channel, settings), files_of(channel)
    if kind == "libsvm":
        loaded = matrix_of_libsvm(files)
    else:
        loaded = matrix_of_tables([(csv_table if kind == "csv" else parquet_table)(path) for path in files], weighted and kind == "csv")
    title = {"train": "Train", "validation": "Validation"}[channel]
    say(f"{title} matrix has {loaded.num_row()} rows and {loaded.num_col()} columns")
    return loaded


# --- training

def metrics_asked(values):
    """eval_metric's list, and the tuner's objective with it."""
    names = [name.strip() for name in values.pop("eval_metric", "").split(",") if name.strip()]
    tuned = values.pop("_tuning_objective_metric", "").split(":")[-1]
    return names + [tuned] if tuned and tuned not in names else names


def newest_checkpoint(folder):
    found = sorted((int(match[1]), path) for path in folder.glob("xgboost-checkpoint.*") if (match := CHECKPOINT.search(path.name)))
    return (found[-1][1], found[-1][0] + 1) if found else (None, 0)


def watching(xgboost, first_round, checkpoints, keep_model):
    """Prints metric lines as the image does, with #011 for its tabs; saves what is to be saved after each round."""
    class Watch(xgboost.callback.TrainingCallback):
        def after_iteration(self, model, epoch, evals_log):
            number = first_round + epoch
            shown = "".join(f"#011{data}-{name}:{(values[-1][0] if isinstance(values[-1], tuple) else values[-1]):.5f}"
                            for data, metrics in evals_log.items() for name, values in metrics.items())
            if main_host():
                print(f"[{number}]{shown}", flush=True)
                if checkpoints:
                    self.save(model, checkpoints / f"xgboost-checkpoint.{number}")
                    (checkpoints / f"xgboost-checkpoint.{number - KEPT_CHECKPOINTS}").unlink(missing_ok=True)
                if keep_model:
                    self.save(model, BASE / "model" / "xgboost-model")
            return False

        @staticmethod
        def save(model, path):
            unfinished = path.with_name("." + path.name)
            unfinished.write_bytes(model.save_raw("ubj"))
            unfinished.rename(path)
    return Watch()


def main_host():
    return cluster()["current_host"] == cluster()["hosts"][0]


def cluster():
    return json.loads((BASE / "input/config/resourceconfig.json").read_text())


def train(xgboost, values, data, validation):
    rounds, early = values.pop("num_round"), values.pop("early_stopping_rounds", None)
    keep_model = values.pop("save_model_on_termination", "false") == "true"
    metrics = metrics_asked(values)
    if metrics:
        values["eval_metric"] = metrics
    for name in NO_LONGER_XGBOOSTS:
        values.pop(name, None)
    values.setdefault("nthread", int(os.environ.get("OMP_NUM_THREADS", "0")) or os.cpu_count())
    checkpoints = pathlib.Path(os.environ["SAGELET_CHECKPOINTS"]) if os.environ.get("SAGELET_CHECKPOINTS") else None
    before, first_round = newest_checkpoint(checkpoints) if checkpoints else (None, 0)
    if before:
        say(f"Checkpoint loaded from {before}")
        say(f"Resuming from iteration {first_round}")
    callbacks = [watching(xgboost, first_round, checkpoints, keep_model)]
    if early:
        callbacks.append(xgboost.callback.EarlyStopping(rounds=early, data_name="validation" if validation else "train",
                                                        metric_name=metrics[-1] if metrics else None))
    watched = [(data, "train")] + ([(validation, "validation")] if validation else [])
    model = xgboost.train(values, data, num_boost_round=max(rounds - first_round, 0), evals=watched, verbose_eval=False,
                          xgb_model=xgboost.Booster(model_file=bytearray(before.read_bytes())) if before else None,
                          callbacks=callbacks)
    if main_host():
        (BASE / "model" / "xgboost-model").write_bytes(model.save_raw("ubj"))
        say(f"Stored trained model at {BASE}/model/xgboost-model")


USERS_FAULT = ("label must be in", "Must have at least 1 validation dataset", "labels_.Size() != 0U", "label set cannot be empty",
               "preds.size() == info.labels_.size()", "base_score must be in", "Invalid Input", "Unknown objective function",
               "Unknown metric function", "Invalid Parameter format")


def run():
    config = BASE / "input" / "config"
    values = hyperparameters(json.loads((config / "hyperparameters.json").read_text()))
    channels = json.loads((config / "inputdataconfig.json").read_text())
    unknown = sorted(set(channels) - {"train", "validation", "code"})
    if "train" not in channels:
        raise UserError("Missing required channel: train")
    if unknown:
        raise UserError(f"Extraneous channel found: {', '.join(unknown)}")
    try:
        import xgboost
    except ImportError as error:
        raise UserError(f"The interpreter {os.environ.get('SAGELET_INTERPRETER', sys.executable)} cannot import xgboost ({error}). "
                        "Install it there: pip install xgboost-cpu (or xgboost); or map the image to another interpreter by images: in "
                        "sagelet.yaml") from None
    weighted = values.pop("csv_weights", 0) == 1
    hosts = cluster()["hosts"]
    say("Single node training." if len(hosts) == 1 else f"Distributed training over {len(hosts)} hosts.")
    data = matrix("train", channels["train"], weighted)
    validation = matrix("validation", channels["validation"], weighted) if "validation" in channels else None
    try:
        together(xgboost, hosts, lambda: train(xgboost, values, data, validation))
    except xgboost.core.XGBoostError as error:
        text = str(error).split("Stack trace:")[0].strip()
        if any(part in text for part in USERS_FAULT):
            raise UserError(f"XGB train call failed with exception:\n{text}") from None
        raise


def together(xgboost, hosts, work):
    """Over several hosts each trains on its own part of the data; the first host gathers them."""
    if len(hosts) == 1:
        return work()
    import socket
    from xgboost.tracker import RabitTracker
    address = socket.gethostbyname(hosts[0])
    tracker = RabitTracker(n_workers=len(hosts), host_ip=address, port=TRACKER_PORT) if main_host() else None
    if tracker:
        tracker.start()
    with xgboost.collective.CommunicatorContext(dmlc_tracker_uri=address, dmlc_tracker_port=TRACKER_PORT, dmlc_retry=60,
                                                dmlc_task_id=cluster()["current_host"]):
        work()
    if tracker:
        tracker.wait_for()
    return None


def main():
    try:
        run()
        return 0
    except UserError as error:
        text = f"ClientError: {error}"
    except Exception as error:  # whatever it is, it belongs into FailureReason
        traceback.print_exc()
        text = f"AlgorithmError: {type(error).__name__}: {error}"
    print(text, file=sys.stderr, flush=True)
    (BASE / "output" / "failure").write_text(text)
    return 1


if __name__ == "__main__":
    sys.exit(main())
