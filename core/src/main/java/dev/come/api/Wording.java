package dev.come.api;

import dev.come.ComeException;
import dev.come.FailedException;
import dev.come.InterruptedRunException;
import dev.come.InvalidInputException;
import dev.come.NothingToDoException;
import dev.come.Progress;
import dev.come.UsageException;
import dev.come.failure.NativeFolder;
import dev.come.failure.Shortage;
import dev.come.failure.Thrown;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Says what jobs say in the words of the program that asked for them: {@code layers(...)} for {@code --target-layers}. */
final class Wording {
    /** The methods of this room by the options of the command. */
    private static final Map<String, String> METHODS = new HashMap<>(Map.of("target-layers", "layers",
            "calibration-dataset", "calibrateOn", "nsamples", "samples", "data-dir", "dataIn", "seqlen",
            "windowLength", "ppl-data", "perplexityOn", "ppl-windows", "perplexityWindows", "save-path", "saveTo",
            "max-shard-size", "shardsOf", "continue-saving", "everyStep"));

    static {
        METHODS.putAll(Map.of("lr", "learningRate", "model-lr", "modelLearningRate", "warmup", "warmUp",
                "eval-every", "evaluateEvery", "workers", "processes", "mode", "processes", "num-fewshot", "shots",
                "compare", "compareWith", "prompt", "promptTokens", "model-name", "model"));
        METHODS.putAll(Map.of("target-parameters", "parameters", "search-windows", "searchOn", "search-seqlen",
                "searchOn"));
        METHODS.putAll(Map.of("private", "makePrivate", "train-seqlen", "trainingWindow",
                "ce-weight", "crossEntropyWeight", "top-k", "topK", "top-p", "topP", "max-new-tokens", "maxNewTokens",
                "prompt-tokens", "promptTokens"));
        for (String same : new String[]{"method", "seed", "text-field", "beyond-positions", "stride", "dtype", "device",
            "threads", "memory", "overwrite", "restart", "revision", "heal", "heal-scope", "heal-targets",
            "heal-weights", "heal-passes", "heal-seam", "teacher",
            "level", "objective", "temperature", "tokens", "model-tokens", "validation-tokens", "batch-tokens",
            "schedule", "weight-decay", "clip", "train", "hidden-weight", "seam", "inputs", "layer-scope", "tasks",
            "limit", "harness-version", "bos",
            "max-length", "baseline", "output", "log-samples", "losses", "removal-ratio", "generation", "batch",
            "new-tokens", "iterations", "calibration-tokens", "recipe", "card", "message", "gguf", "type", "master",
            "spark-conf", "tokenizer-compat", "master-timeout", "ship-model", "prompts", "chat"}) {
            METHODS.put(same, camelCase(same));
        }
    }

    private static final Map<String, String> PHRASES = Map.of("--mode sp", "processes(0)", "set COME_JAVA_OPTS=",
            "start java with ", "the same command", "the same run");

    /** An option, with its value where that is one of a few words. */
    private static final Pattern OPTION = Pattern.compile("--([a-z][a-z-]*[a-z])"
            + "(?: (auto|float32|bfloat16|cpu|cuda|layer|model|both|reference|none|ridge|kl|cut|all|transformers5|own|before|after)\\b)?");

    private Wording() {
    }

    private static String camelCase(String option) {
        return Pattern.compile("-([a-z])").matcher(option).replaceAll(hit -> hit.group(1).toUpperCase(Locale.ROOT));
    }

    /** The method that stands for an option of the command, if there is one. */
    static Optional<String> method(String option) {
        return Optional.ofNullable(METHODS.get(option.replaceFirst("^--", "")));
    }

    /** A sentence of a job, in the words of a program. */
    static String of(String sentence) {
        String text = sentence;
        for (Map.Entry<String, String> phrase : PHRASES.entrySet()) {
            text = text.replace(phrase.getKey(), phrase.getValue());
        }
        return OPTION.matcher(text).replaceAll(hit -> Matcher.quoteReplacement(call(hit.group(1), hit.group(2))));
    }

    private static String call(String option, @Nullable String value) {
        String known = METHODS.get(option);
        String of = known == null ? "option(\"" + option + "\", " : known + "(";
        return of + (value == null ? "..." : '"' + value + '"') + ")";
    }

    /** Does a job, and says in the words of a program what goes wrong. */
    static <T> T job(Supplier<T> work) {
        try {
            return work.get();
        } catch (ComeException e) {
            throw of(e);
        } catch (RuntimeException | Error e) {
            throw Shortage.of(() -> "This run", e).map(Wording::of)
                    .or(() -> NativeFolder.blamed(e).map(sentence -> new FailedException(of(sentence), e)))
                    .orElseThrow(() -> Thrown.again(e));
        }
    }

    /** The same failure in the words of a program; what was thrown is its cause. */
    static ComeException of(ComeException failure) {
        String told = String.valueOf(failure.getMessage());
        String text = of(told);
        if (text.equals(told)) {
            return failure;
        }
        return switch (failure) {
            case InterruptedRunException interrupted -> interrupted;
            case UsageException _ -> caused(new UsageException(text), failure);
            case InvalidInputException _ -> new InvalidInputException(text, failure);
            case NothingToDoException _ -> caused(new NothingToDoException(text), failure);
            default -> new FailedException(text, failure);
        };
    }

    private static ComeException caused(ComeException told, ComeException cause) {
        told.initCause(cause);
        return told;
    }

    /** Passes on progress, with notes in the words of a program. */
    static Progress progress(Progress listener) {
        return new Progress() {
            @Override
            public Task begin(String what, long total, String unit) {
                return listener.begin(what, total, unit);
            }

            @Override
            public Task begin(String what, long steps, String unit, long units) {
                return listener.begin(what, steps, unit, units);
            }

            @Override
            public void expect(double steps) {
                listener.expect(steps);
            }

            @Override
            public void note(String line) {
                listener.note(of(line));
            }
        };
    }
}
