package dev.come.prune;

import dev.come.checkpoint.RecordNames;
import dev.come.text.CalibrationSet;
import dev.come.text.TextSource;
import dev.come.text.TextSource.Library;
import dev.come.text.WindowLength;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Function;

/**
 * All methods: what their options are, which defaults these have, and on which data their authors measure them. The command
 * line and programs in Java draw from here.
 *
 * <pre>{@code
 * PruningMethod method = Methods.SLEB.method();
 * PruningMethod other = new Sleb(new Sleb.Options(new Barriers(2, 1), Compat.NONE));
 * CalibrationSet.Options data = Methods.of(other).data().sample(library, WindowLength.DEFAULT);
 * }</pre>
 */
public final class Methods {
    /** The data of {@link #CONCAT_MERGE}, on which several methods are compared and models are healed. */
    public static final Data COMMON_DATA = Data.of("wiki2", 256);

    public static final Entry<ConcatMerge.Options> CONCAT_MERGE = new Entry<>(
            "joins the most sensitive parts of adjacent layers (CoMe)", ConcatMerge.Options.DEFAULTS,
            ConcatMerge::new, Optional.of(COMMON_DATA));

    public static final Entry<ConcatMergeP.Options> CONCAT_MERGE_P = new Entry<>(
            "the same, with the ratio of the least loss (CoMe-P)", ConcatMergeP.Options.DEFAULTS,
            ConcatMergeP::new, Optional.of(COMMON_DATA));

    public static final Entry<Sleb.Options> SLEB = new Entry<>(
            "removes the layer whose removal leaves the least loss", Sleb.Options.DEFAULTS, Sleb::new,
            Optional.of(Data.of("wiki2", 128)));

    public static final Entry<ShortGpt.Options> SHORTGPT = new Entry<>(
            "removes the layers that change the hidden states least", ShortGpt.Options.DEFAULTS, ShortGpt::new,
            Optional.of(Data.of("pg19", 256)));

    public static final Entry<Reverse.Options> REVERSE = new Entry<>(
            "removes the deepest layers", Reverse.Options.DEFAULTS, Reverse::new,
            Optional.empty());

    public static final Entry<Magnitude.Options> MAGNITUDE = new Entry<>(
            "removes the layers with the smallest weights", Magnitude.Options.DEFAULTS, Magnitude::new,
            Optional.empty());

    public static final Entry<Magnitude.Options> MAGNITUDE_PLUS = new Entry<>(
            "the same, but keeps the first four and the last two", Magnitude.Options.PLUS, Magnitude::new,
            Optional.empty());

    public static final Entry<Taylor.Options> TAYLOR = new Entry<>(
            "removes the layers with the least weight x gradient", Taylor.Options.DEFAULTS, Taylor::new,
            Optional.of(Data.of("wiki2", 128)));

    public static final Entry<Taylor.Options> TAYLOR_PLUS = new Entry<>(
            "the same, but keeps the first four and the last two", Taylor.Options.PLUS, Taylor::new,
            Optional.of(Data.of("wiki2", 128)));

    public static final Entry<Mka.Options> MKA = new Entry<>(
            "fuses the last layers, by how alike the layers are", Mka.Options.DEFAULTS, Mka::new,
            Optional.of(new Data("mmlu", 250, OptionalInt.of(50))));

    public static final Entry<Laco.Options> LACO = new Entry<>(
            "adds up adjacent layers while the result stays similar", Laco.Options.DEFAULTS, Laco::new,
            Optional.of(Data.of("wiki2", 128)));

    public static final Entry<ComeAuto.Options> COME_AUTO = new Entry<>(
            "removes or joins layers, whichever leaves the least loss", ComeAuto.Options.DEFAULTS, ComeAuto::new,
            Optional.of(COMMON_DATA));

    public static final Entry<SeamAuto.Options> SEAM_AUTO = new Entry<>(
            "removes or joins layers, whichever is best once repaired", SeamAuto.Options.DEFAULTS, SeamAuto::new,
            Optional.of(COMMON_DATA));

    public static final Entry<Manual.Options> MANUAL = new Entry<>(
            "removes the layers that --layers names", Manual.Options.DEFAULTS, Manual::new, Optional.empty());

    /** All of them, in the order in which they are shown. */
    public static final List<Entry<?>> ALL = List.of(CONCAT_MERGE, CONCAT_MERGE_P, SLEB, SHORTGPT, REVERSE, MAGNITUDE,
            MAGNITUDE_PLUS, TAYLOR, TAYLOR_PLUS, MKA, LACO, COME_AUTO, SEAM_AUTO, MANUAL);

    /**
     * One method.
     *
     * @param summary what it does, in a few words that go on from its name
     * @param defaults the options where the user says nothing else
     * @param with makes the method with options
     * @param ownData what its authors measure it on; absent if it looks at the weights alone
     */
    public record Entry<O extends Record>(String summary, O defaults, Function<O, PruningMethod> with,
            Optional<Data> ownData) {
        /** The method with its defaults. */
        public PruningMethod method() {
            return with.apply(defaults);
        }

        /**
         * The method with options given as text.
         *
         * @param values by the name of the option on the command line, such as {@code --merge-item}
         * @throws dev.come.UsageException if the method has no such option, or the option no such value
         */
        public PruningMethod method(Map<String, String> values) {
            return OptionValues.method(this, values);
        }

        /** The name under which users ask for it. */
        public String name() {
            return method().name();
        }

        /** The names of its options, as a record of a run has them. */
        public List<String> optionNames() {
            return Arrays.stream(defaults.getClass().getRecordComponents())
                    .map(component -> RecordNames.key(component.getName())).toList();
        }

        /** What it is measured on, or healed on where choosing needs no data. */
        public Data data() {
            return ownData.orElse(COMMON_DATA);
        }

        /** The same where several methods are compared: all on one set, but for a method whose samples are of another kind. */
        public Data dataAmongOthers() {
            return data().tasks().isPresent() ? data() : COMMON_DATA;
        }
    }

    /**
     * A calibration set.
     *
     * @param dataset the name of a corpus
     * @param samples rows of it
     * @param tasks of mmlu, how many subjects the rows are taken from
     */
    public record Data(String dataset, int samples, OptionalInt tasks) {
        private static Data of(String dataset, int samples) {
            return new Data(dataset, samples, OptionalInt.empty());
        }

        /**
         * The sample that {@code come prune} takes where nothing else is asked for.
         *
         * @param library where the corpus lies
         * @param length tokens in a window
         */
        public CalibrationSet.Options sample(Library library, WindowLength length) {
            return new CalibrationSet.Options(new TextSource(dataset, library, TextSource.DEFAULT_FIELD), samples,
                    tasks,
                    CalibrationSet.DEFAULT_SEED, length);
        }
    }

    private Methods() {
    }

    /** The entry of a method, whatever its options are. */
    public static Entry<?> of(PruningMethod method) {
        return named(method.name()).orElseThrow();
    }

    /** The entry of a name, if there is one. */
    public static Optional<Entry<?>> named(String name) {
        return ALL.stream().filter(entry -> entry.name().equals(name)).findFirst();
    }
}
