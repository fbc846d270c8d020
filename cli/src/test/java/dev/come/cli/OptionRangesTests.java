package dev.come.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.UsageException;
import dev.come.distill.DistillationOptions;
import dev.come.distill.TrainedParts;
import dev.come.evaluate.BosRule;
import dev.come.evaluate.EvaluationOptions;
import dev.come.evaluate.HarnessVersion;
import dev.come.evaluate.Latency;
import dev.come.generate.Sampling;
import dev.come.job.ComputeChoice;
import dev.come.job.LatencyJob;
import dev.come.job.OverlapJob;
import dev.come.job.PerplexityOptions;
import dev.come.job.RecoveryRecipe;
import dev.come.job.Resumption;
import dev.come.job.Saving;
import dev.come.job.WriteJob;
import dev.come.prune.Barriers;
import dev.come.prune.ComeAuto;
import dev.come.prune.ConcatMerge;
import dev.come.prune.ConcatMergeP;
import dev.come.prune.Laco;
import dev.come.prune.Mka;
import dev.come.prune.SeamAuto;
import dev.come.prune.ShortGpt;
import dev.come.text.CalibrationSet;
import dev.come.text.TextSource;
import dev.come.text.WindowLength;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** The command line takes of each number and name what the options' record takes, no more and no less. */
class OptionRangesTests {
    private static final List<Double> DOUBLES = List.of(Double.NaN, Double.NEGATIVE_INFINITY, -2.0, -1.0, -1e-12, 0.0,
            1e-300, 0.5, 1.0, 1.0000001, 2.5, 1e300, Double.POSITIVE_INFINITY);
    private static final List<Integer> INTS = List.of(Integer.MIN_VALUE, -1, 0, 1, 2, 3, 2049, Integer.MAX_VALUE);
    private static final List<Long> LONGS = List.of(Long.MIN_VALUE, -1L, 0L, 1L, 1L << 40, Long.MAX_VALUE);

    private static final TextSource TEXT = new TextSource("text.txt", Path.of("."), TextSource.DEFAULT_FIELD);
    private static final String PRUNE = "prune --model-name m --target-layers 3 --save-path out --calibration-dataset t"
            + " --method ";
    private static final String DISTILL = "distill --model-name m --teacher t --save-path out --calibration-dataset t ";
    private static final String RECOVER = "recover --model-name m --teacher t --save-path out --calibration-dataset t ";
    private static final String EVAL = "eval --model-name m --ppl-data t ";
    private static final String GENERATE = "generate --model-name m --prompt once ";
    private static final String WRITE = "write --teacher m --prompts t --tokens 5 --output out.jsonl ";
    private static final WriteJob.Options WRITING = new WriteJob.Options(Path.of("m"), TEXT, OptionalInt.of(1), false,
            5,
            WriteJob.USUAL, new ComputeChoice("float32", "cpu", 1, 0), Path.of("out.jsonl"), false, Resumption.GO_ON);
    private static final String LATENCY = "latency --model-name m ";
    private static final DistillationOptions DISTILLATION = DistillationOptions.DEFAULTS;

    /**
     * A component of a record and the option that sets it.
     *
     * @param valid a record that is valid
     * @param command a command that works up to where the model is looked for, without the option's value
     */
    private record Row(Record valid, String component, String command) {
        private String name() {
            String option = command.substring(command.lastIndexOf(' ') + 1);
            return command.split(" ", 2)[0] + " " + option + " as " + valid.getClass().getSimpleName() + "."
                    + component;
        }
    }

    private static final List<Row> ROWS = List.of(
            new Row(ConcatMerge.Options.DEFAULTS, "skipMethod", PRUNE + "concat_merge --skip-method"),
            new Row(ConcatMerge.Options.DEFAULTS, "mergeItem", PRUNE + "concat_merge --merge-item"),
            new Row(ConcatMerge.Options.DEFAULTS, "psu", PRUNE + "concat_merge --psu"),
            new Row(ConcatMerge.Options.DEFAULTS, "minMax", PRUNE + "concat_merge --min-max"),
            new Row(ConcatMerge.Options.DEFAULTS, "mergeNorms", PRUNE + "concat_merge --merge-norms"),
            new Row(ConcatMergeP.Options.DEFAULTS, "mergeNorms", PRUNE + "concat_merge_P --merge-norms"),
            new Row(ShortGpt.Options.DEFAULTS, "layerScore", PRUNE + "shortgpt --layer-score"),
            new Row(ConcatMerge.Options.DEFAULTS, "channelScore", PRUNE + "concat_merge --channel-score"),
            new Row(ConcatMergeP.Options.DEFAULTS, "channelScore", PRUNE + "concat_merge_P --channel-score"),
            new Row(ConcatMerge.Options.DEFAULTS, "compensate", PRUNE + "concat_merge --compensate"),
            new Row(ConcatMergeP.Options.DEFAULTS, "compensate", PRUNE + "concat_merge_P --compensate"),
            new Row(ComeAuto.Options.DEFAULTS, "mergeNorms", PRUNE + "come_auto --merge-norms"),
            new Row(ConcatMergeP.Options.DEFAULTS, "skipMethod", PRUNE + "concat_merge_P --skip-method"),
            new Row(ConcatMergeP.Options.DEFAULTS, "mergeItem", PRUNE + "concat_merge_P --merge-item"),
            new Row(ConcatMergeP.Options.DEFAULTS, "granularity", PRUNE + "concat_merge_P --granularity"),
            new Row(ComeAuto.Options.DEFAULTS, "granularity", PRUNE + "come_auto --granularity"),
            new Row(ComeAuto.Options.DEFAULTS, "shortlist", PRUNE + "come_auto --shortlist"),
            new Row(ComeAuto.Options.DEFAULTS, "refit", PRUNE + "come_auto --refit"),
            new Row(SeamAuto.Options.DEFAULTS, "granularity", PRUNE + "seam_auto --granularity"),
            new Row(SeamAuto.Options.DEFAULTS, "mergeNorms", PRUNE + "seam_auto --merge-norms"),
            new Row(SeamAuto.Options.DEFAULTS, "repair", PRUNE + "seam_auto --repair"),
            new Row(Laco.Options.DEFAULTS, "lacoVariant", PRUNE + "laco --laco-variant"),
            new Row(Laco.Options.DEFAULTS, "mergeLayers", PRUNE + "laco --merge-layers"),
            new Row(Laco.Options.DEFAULTS, "interval", PRUNE + "laco --interval"),
            new Row(Laco.Options.DEFAULTS, "lowest", PRUNE + "laco --lowest"),
            new Row(Laco.Options.DEFAULTS, "highest", PRUNE + "laco --highest"),
            new Row(Laco.Options.DEFAULTS, "threshold", PRUNE + "laco --threshold"),
            new Row(Laco.Options.DEFAULTS, "thresholdStep", PRUNE + "laco --threshold-step"),
            new Row(Mka.Options.DEFAULTS, "kernelSigma", PRUNE + "mka --kernel-sigma"),
            new Row(Mka.Options.DEFAULTS, "fuse", PRUNE + "mka --fuse"),
            new Row(Barriers.ONE_EACH, "first", PRUNE + "sleb --barriers=%s,1"),
            new Row(Barriers.ONE_EACH, "last", PRUNE + "sleb --barriers=1,%s"),
            new Row(new CalibrationSet.Options(TEXT, 1, OptionalInt.empty(), 1, WindowLength.of(2)), "samples",
                    PRUNE + "sleb --nsamples"),
            new Row(new CalibrationSet.Options(TEXT, 1, OptionalInt.empty(), 1, WindowLength.of(2)), "seed",
                    PRUNE + "sleb --seed"),
            new Row(WindowLength.of(2), "asked", PRUNE + "sleb --seqlen"),
            new Row(DISTILLATION, "level", DISTILL + "--level"),
            new Row(DISTILLATION, "objective", DISTILL + "--objective"),
            new Row(DISTILLATION, "temperature", DISTILL + "--temperature"),
            new Row(DISTILLATION, "tokens", DISTILL + "--tokens"),
            new Row(DISTILLATION, "modelTokens", DISTILL + "--model-tokens"),
            new Row(DISTILLATION, "validationTokens", DISTILL + "--validation-tokens"),
            new Row(DISTILLATION, "batchTokens", DISTILL + "--batch-tokens"),
            new Row(DISTILLATION, "weightDecay", DISTILL + "--weight-decay"),
            new Row(DISTILLATION, "clip", DISTILL + "--clip"),
            new Row(DISTILLATION, "trained", DISTILL + "--train"),
            new Row(DISTILLATION, "hiddenWeight", DISTILL + "--hidden-weight"),
            new Row(DISTILLATION, "crossEntropyWeight", DISTILL + "--ce-weight"),
            new Row(DISTILLATION, "crossEntropyWeight", RECOVER + "--ce-weight"),
            new Row(DISTILLATION, "modelTokens", RECOVER + "--model-tokens"),
            new Row(DISTILLATION, "batchTokens", RECOVER + "--batch-tokens"),
            new Row(DISTILLATION, "validationTokens", RECOVER + "--validation-tokens"),
            new Row(DISTILLATION, "evaluateEvery", RECOVER + "--eval-every"),
            new Row(DISTILLATION, "trained", RECOVER + "--train"),
            new Row(RecoveryRecipe.QUICK.recovery(), "healingTokens", RECOVER + "--calibration-tokens"),
            new Row(RecoveryRecipe.QUICK.recovery(), "trainingWindow", RECOVER + "--train-seqlen"),
            new Row(DISTILLATION, "evaluateEvery", DISTILL + "--eval-every"),
            new Row(DISTILLATION, "seed", DISTILL + "--seed"),
            new Row(DISTILLATION.schedule(), "shape", DISTILL + "--schedule"),
            new Row(DISTILLATION.students(), "seam", DISTILL + "--seam"),
            new Row(DISTILLATION.students(), "inputs", DISTILL + "--inputs"),
            new Row(DISTILLATION.schedule(), "peak", DISTILL + "--lr"),
            new Row(DISTILLATION.schedule(), "peak", DISTILL + "--model-lr"),
            new Row(DISTILLATION.schedule(), "warmUp", DISTILL + "--warmup"),
            new Row(new EvaluationOptions(List.of(), 0, 1, HarnessVersion.of("0.4.13"), BosRule.of("never"), 1,
                    Path.of(".")), "shots", EVAL + "--num-fewshot"),
            new Row(new EvaluationOptions(List.of(), 0, 1, HarnessVersion.of("0.4.13"), BosRule.of("never"), 1,
                    Path.of(".")), "limit", EVAL + "--tasks boolq --limit"),
            new Row(new EvaluationOptions(List.of(), 0, 1, HarnessVersion.of("0.4.13"), BosRule.of("never"), 1,
                    Path.of(".")), "maxLength", EVAL + "--max-length"),
            new Row(new PerplexityOptions(List.of(TEXT), WindowLength.DEFAULT, 1), "windows", EVAL + "--ppl-windows"),
            new Row(new PerplexityOptions(List.of(TEXT), WindowLength.DEFAULT, 1), "stride", EVAL + "--stride"),
            new Row(new Sampling(1, 0, 0, 1, 10), "maxNewTokens", GENERATE + "--max-new-tokens"),
            new Row(new Sampling(1, 0, 0, 1, 10), "temperature", GENERATE + "--temperature"),
            new Row(new Sampling(1, 0, 0, 1, 10), "topK", GENERATE + "--top-k"),
            new Row(new Sampling(1, 0, 0, 1, 10), "topP", GENERATE + "--top-p"),
            new Row(new Sampling(1, 0, 0, 1, 10), "seed", GENERATE + "--seed"),
            new Row(WriteJob.USUAL, "maxNewTokens", WRITE + "--max-new-tokens"),
            new Row(WriteJob.USUAL, "temperature", WRITE + "--temperature"),
            new Row(WriteJob.USUAL, "topK", WRITE + "--top-k"), new Row(WriteJob.USUAL, "topP", WRITE + "--top-p"),
            new Row(WriteJob.USUAL, "seed", WRITE + "--seed"), new Row(WRITING, "tokens", WRITE + "--tokens"),
            new Row(WRITING, "promptTokens", WRITE + "--prompt-tokens"),
            new Row(new OverlapJob.Options(List.of(TEXT), List.of(TEXT), 13), "words",
                    "overlap --calibration-dataset t --ppl-data t --words"),
            new Row(new Latency.Load(1, 2, 2, 1), "batch", LATENCY + "--batch"),
            new Row(new Latency.Load(1, 2, 2, 1), "promptTokens", LATENCY + "--prompt"),
            new Row(new Latency.Load(1, 2, 2, 1), "newTokens", LATENCY + "--generation --new-tokens"),
            new Row(new Latency.Load(1, 2, 2, 1), "iterations", LATENCY + "--iterations"),
            new Row(new LatencyJob.Request(Path.of("m"), Optional.empty(), OptionalDouble.of(0.5),
                    new LatencyJob.Work(false, OptionalInt.empty(), OptionalInt.empty(), OptionalInt.empty(),
                            OptionalInt.empty())),
                    "removalRatio", LATENCY + "--removal-ratio"),
            new Row(new ComputeChoice("auto", "cpu", 1, 0), "dtype", GENERATE + "--dtype"),
            new Row(new ComputeChoice("auto", "cpu", 1, 0), "device", GENERATE + "--device"),
            new Row(new ComputeChoice("auto", "cpu", 1, 0), "threads", GENERATE + "--threads"),
            new Row(new ComputeChoice("auto", "cpu", 1, 0), "memory", GENERATE + "--memory"),
            new Row(new Saving(Path.of("out"), 1, false), "maxShardBytes", PRUNE + "sleb --max-shard-size"));

    @TestFactory
    Stream<DynamicTest> theCommandLineTakesWhatTheRecordTakes() {
        return ROWS.stream().map(row -> DynamicTest.dynamicTest(row.name(), () -> check(row)));
    }

    @TestFactory
    Stream<DynamicTest> noNumberOfTheseRecordsIsLeftOut() {
        return ROWS.stream().map(row -> row.valid.getClass()).distinct()
                .map(type -> DynamicTest.dynamicTest(type.getName(), () -> assertThat(Arrays
                        .stream(type.getRecordComponents())
                        .filter(component -> List.of(int.class, long.class, double.class).contains(component.getType()))
                        .map(RecordComponent::getName))
                        .isSubsetOf(ROWS.stream().filter(row -> row.valid.getClass() == type).map(Row::component)
                                .toList())));
    }

    private static void check(Row row) {
        RecordComponent component = Arrays.stream(row.valid.getClass().getRecordComponents())
                .filter(one -> one.getName().equals(row.component)).findFirst().orElseThrow();
        List<String> disagreements = new ArrayList<>();
        for (Object value : values(component)) {
            boolean byRecord = isTaken(row.valid, component, value);
            Trial.Outcome outcome = Trial.run(arguments(row, text(value)));
            // The model is not there, which is told (3) once all options are found to be right.
            if (outcome.exitCode() != (byRecord ? 3 : 2)) {
                disagreements.add("%s: the record %s it, the command line says %d: %s".formatted(value,
                        byRecord ? "takes" : "refuses", outcome.exitCode(), outcome.err()));
            }
        }
        assertThat(disagreements).isEmpty();
    }

    private static List<String> arguments(Row row, String value) {
        String[] words = row.command.split(" ");
        List<String> arguments = new ArrayList<>(List.of(words).subList(0, words.length - 1));
        String last = words[words.length - 1];
        arguments.addAll(last.contains("%s") ? List.of(last.replace("%s", value)) : List.of(last, value));
        return arguments;
    }

    private static List<?> values(RecordComponent component) {
        Class<?> type = component.getType();
        if (type.isEnum()) {
            return List.of(type.getEnumConstants());
        }
        return switch (component.getName()) {
            case "dtype" -> List.of("auto", "float32", "bfloat16", "Float32", "BFLOAT16", "AUTO", "float16", "f32", "");
            case "device" -> List.of("cpu", "CPU", "cuda:", "gpu", "cuda:x", "");
            case "removalRatio" -> DOUBLES.stream().map(OptionalDouble::of).toList();
            case "trained" -> List.of(TrainedParts.MERGED, TrainedParts.ALL, TrainedParts.NORMS, TrainedParts.last(2));
            // Without new tokens, --generation is left out.
            case "newTokens" -> INTS.stream().filter(count -> count != 0).toList();
            // A size has no sign on the command line.
            case "memory", "maxShardBytes" -> LONGS.stream().filter(size -> size > Long.MIN_VALUE).toList();
            default -> type == OptionalInt.class
                    ? INTS.stream().map(OptionalInt::of).toList()
                    : type == int.class ? INTS : type == long.class ? LONGS : DOUBLES;
        };
    }

    private static String text(Object value) {
        return switch (value) {
            case Enum<?> name -> name.name().toLowerCase(Locale.ROOT);
            case OptionalInt count -> String.valueOf(count.getAsInt());
            case OptionalDouble ratio -> String.valueOf(ratio.getAsDouble());
            default -> String.valueOf(value);
        };
    }

    /** Makes the record with this one value changed. */
    private static boolean isTaken(Record valid, RecordComponent changed, Object value) {
        RecordComponent[] components = valid.getClass().getRecordComponents();
        Class<?>[] types = Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new);
        Object[] values = new Object[components.length];
        try {
            for (int i = 0; i < components.length; i++) {
                components[i].getAccessor().setAccessible(true);
                values[i] = components[i].getName().equals(changed.getName())
                        ? value
                        : components[i].getAccessor().invoke(valid);
            }
            Constructor<?> constructor = valid.getClass().getDeclaredConstructor(types);
            constructor.newInstance(values);
            return true;
        } catch (InvocationTargetException e) {
            assertThat(e.getCause()).isInstanceOf(UsageException.class);
            return false;
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }
}
