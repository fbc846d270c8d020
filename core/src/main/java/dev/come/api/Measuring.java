package dev.come.api;

import dev.come.UsageException;
import dev.come.calibration.ClusterChoice;
import dev.come.job.CalibrationChoice;
import dev.come.job.ComputeChoice;
import dev.come.job.DistillJob;
import dev.come.job.PerplexityOptions;
import dev.come.text.TextSource;
import dev.come.text.TextSource.Library;
import dev.come.text.WindowLength;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What all that reads texts can be told. A text is the name of a data set (wiki2, c4, pg19, bookcorpus, alpaca, mmlu) or the path
 * of a file or folder.
 *
 * @param <T> the type of what is told
 */
abstract class Measuring<T extends Measuring<T>> extends Computing<T> {
    private @Nullable Path data;
    private String textField = TextSource.DEFAULT_FIELD;
    private OptionalInt length = OptionalInt.empty();
    private boolean beyondPositions;
    private final List<String> perplexity = new ArrayList<>();
    private int windows = PerplexityOptions.ALL_WINDOWS;
    private OptionalInt stride = OptionalInt.empty();
    private @Nullable String master;
    private final Map<String, String> sparkSettings = new TreeMap<>();
    private int masterTimeout = ClusterChoice.DEFAULT_TIMEOUT;
    private boolean shipModel;

    Measuring(String model) {
        super(model);
    }

    /**
     * The Apache Spark cluster that does what can be divided, such as {@code spark://host:7077}; results are the same bytes. It
     * needs come-spark on the class path.
     */
    public T master(String url) {
        master = url;
        return self();
    }

    /** A setting of Spark for {@link #master}, such as {@code sparkConf("spark.executor.memory", "4g")}. */
    public T sparkConf(String key, String value) {
        sparkSettings.put(key, value);
        return self();
    }

    /** How many seconds to wait for a machine of {@link #master} that is free; the default is 600. */
    public T masterTimeout(int seconds) {
        masterTimeout = seconds;
        return self();
    }

    /** Sends the files of the model to the machines of {@link #master}, which otherwise have them at the same place. */
    public T shipModel() {
        shipModel = true;
        return self();
    }

    @Override
    final ComputeChoice choice() {
        if (master == null && (!sparkSettings.isEmpty() || shipModel)) {
            throw new UsageException((shipModel ? "shipModel()" : "sparkConf(...)")
                    + " is about a cluster, but none is named; call master(...) too");
        }
        return super.choice().on(Optional.ofNullable(master)
                .map(url -> new ClusterChoice(url, sparkSettings, masterTimeout, shipModel)));
    }

    /** The folder that holds the named data sets; without it they are downloaded from the hub. */
    public T dataIn(Path folder) {
        data = folder;
        return self();
    }

    /** The field that holds the text, in a text given as a path; the default is {@code text}. */
    public T textField(String name) {
        textField = name;
        return self();
    }

    /** The number of tokens in a window; the default is 2048, or the number of the model's positions if they are fewer. */
    public T windowLength(int tokens) {
        length = OptionalInt.of(tokens);
        return self();
    }

    /** Lets windows be longer than the model has positions; what is measured says so. */
    public T beyondPositions() {
        beyondPositions = true;
        return self();
    }

    /** One more text to measure perplexity on. */
    public T perplexityOn(String nameOrFile) {
        perplexity.add(nameOrFile);
        return self();
    }

    /** The same with a file or folder of text. */
    public T perplexityOn(Path file) {
        return perplexityOn(file.toString());
    }

    /** How many windows of each of these texts are measured at most, from the beginning; the default is all. */
    public T perplexityWindows(int count) {
        windows = count;
        return self();
    }

    /** Tokens from the start of one of these windows to that of the next; the default is their length, windows side by side. */
    public T stride(int tokens) {
        stride = OptionalInt.of(tokens);
        return self();
    }

    final String textField() {
        return textField;
    }

    final WindowLength windows() {
        return new WindowLength(length, beyondPositions);
    }

    final Library library() {
        return data == null ? new TextSource.OnHub(hub()) : new TextSource.Folder(data);
    }

    final TextSource text(String nameOrFile) {
        return new TextSource(nameOrFile, library(), textField);
    }

    final List<DistillJob.Text> texts(List<String> given) {
        return DistillJob.Text.of(given, library(), textField);
    }

    final PerplexityOptions perplexity() {
        return new PerplexityOptions(perplexity.stream().map(this::text).toList(), windows(), stride, windows);
    }

    final CalibrationChoice calibration(List<String> datasets, OptionalInt samples, OptionalLong tokens, long seed) {
        return new CalibrationChoice(datasets, samples, tokens, seed, library(), textField, windows());
    }
}
