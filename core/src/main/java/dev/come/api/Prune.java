package dev.come.api;

import dev.come.ComeException;
import dev.come.Progress;
import dev.come.UsageException;
import dev.come.heal.Healing;
import dev.come.job.CalibrationChoice;
import dev.come.job.ComputeChoice;
import dev.come.job.PerplexityOptions;
import dev.come.job.PruneJob;
import dev.come.job.ReportJob;
import dev.come.job.RunWatch;
import dev.come.job.Saving;
import dev.come.job.Target;
import dev.come.prune.Laco;
import dev.come.prune.Manual;
import dev.come.prune.Methods;
import dev.come.prune.PruningMethod.Needs;
import dev.come.text.CalibrationSet;
import dev.come.text.SearchWindows;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.SequencedMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Asks for a smaller model; {@link #run} makes it, and {@link #compare} makes one with each of several methods. Names and
 * defaults are those of {@code come prune}.
 */
public final class Prune extends Making<Prune> {
    private final ChosenMethods methods = new ChosenMethods();
    private @Nullable Target size;
    private List<String> datasets = List.of();
    private OptionalLong tokens = OptionalLong.empty();
    private Optional<SearchWindows> search = Optional.empty();
    private OptionalInt samples = OptionalInt.empty();
    private long seed = CalibrationSet.DEFAULT_SEED;
    private final HealOptions healing = new HealOptions();
    private boolean heal;
    private boolean everyStep;
    private boolean keepPattern;
    private Consumer<Step> onStep = _ -> {
    };

    Prune(String model) {
        super(model);
    }

    @Override
    Prune self() {
        return this;
    }

    /**
     * How layers are chosen and merged or removed; must be said. One name for {@link #run}, such as {@code "sleb"}. For
     * {@link #compare} several with commas between, or {@code "all"}. The message about a wrong name lists all.
     */
    public Prune method(String names) {
        methods.name(names);
        return this;
    }

    /**
     * An option of the method, such as {@code option("merge-item", 3)} for concat_merge.
     *
     * @param name as on the command line, where {@code come prune --help} lists the options of each method
     * @param value as it would be typed there: a number, true or false, one of some names, or whole numbers with commas between
     */
    public Prune option(String name, Object value) {
        methods.option("--" + name.replaceFirst("^--", ""), value.toString());
        return this;
    }

    /**
     * How many layers are to be left. This, {@link #removalRatio} or {@link #parameters} must be said, and the last one counts;
     * but laco's threshold can decide, and the layers of manual do.
     */
    public Prune layers(int count) {
        size = new Target.Layers(count);
        return this;
    }

    /** Which share of the decoder layers is to go; instead of {@link #layers}. */
    public Prune removalRatio(double share) {
        size = new Target.RemovalRatio(share);
        return this;
    }

    /** How many parameters are to be left at most, embeddings included; instead of {@link #layers}. */
    public Prune parameters(long count) {
        size = new Target.Parameters(count);
        return this;
    }

    /**
     * The text to choose by: a data set by its name, or a file. Several, as in {@code "wiki2:0.3,c4:0.7"}, make a mixture with
     * these shares of the tokens. The default is that of the method's authors.
     */
    public Prune calibrateOn(String nameOrFile) {
        datasets = List.of(nameOrFile);
        return this;
    }

    /** The same with a file or folder of text. */
    public Prune calibrateOn(Path file) {
        return calibrateOn(file.toString());
    }

    /** How many rows of the text are taken. The default is that of the method's authors, mostly 128 or 256. */
    public Prune samples(int rows) {
        samples = OptionalInt.of(rows);
        return this;
    }

    /** Takes rows until there are this many tokens, instead of {@link #samples}; the default of a mixture is 65536. */
    public Prune calibrationTokens(long count) {
        tokens = OptionalLong.of(count);
        return this;
    }

    /**
     * Chooses layers on some windows of the text, spread evenly over it; healing takes all of it.
     *
     * @param windows how many
     * @param tokens in each
     */
    public Prune searchOn(int windows, int tokens) {
        search = Optional.of(new SearchWindows(windows, OptionalInt.of(tokens)));
        return this;
    }

    /** Decides which rows are taken; the default is 10. */
    public Prune seed(long number) {
        seed = number;
        return this;
    }

    /**
     * Allows only edits after which the kinds of layers (windows, positions) repeat as before, for programs that know only how
     * large a group of them is.
     */
    public Prune keepPattern() {
        keepPattern = true;
        return this;
    }

    /** Refits the layers that are left to the dense model, in closed form, on the calibration text. */
    public Prune heal() {
        heal = true;
        return this;
    }

    /** Which layers are refitted: {@code all} (the default) from the first edit on, or {@code cut}, those beside edits. */
    public Prune healScope(String name) {
        healing.scope(name);
        return this;
    }

    /** Which projections are refitted: {@code down}, {@code down+o} (the default) or {@code all}. */
    public Prune healTargets(String name) {
        healing.targets(name);
        return this;
    }

    /** How much a token counts: {@code norm} (default), {@code uniform} or {@code loss}. */
    public Prune healWeights(String name) {
        healing.weights(name);
        return this;
    }

    /** How often all layers are refitted; 1 by default. A pass after the first is only taken if the loss falls. */
    public Prune healPasses(int number) {
        healing.passes(number);
        return this;
    }

    /**
     * How the layers before and after a gap are refitted: {@code once} (default), or {@code pair}, with all targets, and then once
     * more if the state behind them comes nearer to the dense one.
     */
    public Prune healSeam(String name) {
        healing.seam(name);
        return this;
    }

    /** Writes the model after each step too, each into a folder of its own below the folder to make. */
    public Prune everyStep() {
        everyStep = true;
        return this;
    }

    /**
     * Who is told of each step once it is decided and kept; called by the thread that runs. Steps that an interrupted run took
     * before are not told again, but the result has them all.
     */
    public Prune onStep(Consumer<Step> listener) {
        onStep = listener;
        return this;
    }

    /**
     * Chooses layers by one method, and writes the model. An interrupted run with the same settings goes on.
     *
     * @throws UsageException if something that must be said is missing, or a value cannot be
     * @throws dev.come.InvalidInputException if the model or a text cannot be used
     * @throws dev.come.NothingToDoException if the method finds nothing to merge or remove
     * @throws dev.come.InterruptedRunException if this thread is interrupted meanwhile
     * @throws dev.come.FailedException if anything else goes wrong, such as a disk that is full
     */
    public PrunedModel run() {
        return Wording.job(() -> {
            if (methods.entries().size() > 1) {
                throw new UsageException(
                        "method(\"" + methods.name() + "\") makes several models; call compare() to get them,"
                                + " or name one method");
            }
            return PrunedModel.of(reported(watch -> job(false, watch).run(), PruneJob.Result::folders));
        });
    }

    /**
     * Makes a model with each method, below the folder to make. They share what they measure on the dense model. A method that
     * does not get there does not keep the others from it.
     *
     * @throws UsageException if something that must be said is missing, or a value cannot be
     * @throws dev.come.InvalidInputException if the model or a text cannot be used
     * @throws dev.come.InterruptedRunException if this thread is interrupted meanwhile
     * @throws dev.come.FailedException if anything else goes wrong, such as a disk that is full
     */
    public ComparedModels compare() {
        return Wording.job(() -> {
            RunWatch watch = new RunWatch(progress());
            PruneJob.Results results = job(true, watch).runAll();
            if (!results.results().isEmpty()) {
                ReportJob.inFolders(results);
                ReportJob.inFolder(saving().folder(), watch.record(List.of()));
            }
            SequencedMap<String, ComeException> failures = new LinkedHashMap<>();
            results.failures().forEach(failure -> failures.put(failure.method(), Wording.of(failure.reason())));
            return new ComparedModels(saving().folder(),
                    results.results().stream().map(PrunedModel::of).toList(), failures, results.denseLoss());
        });
    }

    private PruneJob job(boolean several, Progress watch) {
        List<Methods.Entry<?>> methods = this.methods.entries();
        requireHealedOrNotSaid();
        requireDataOrNotSaid(methods);
        CalibrationChoice calibration = calibration(datasets, samples, tokens, seed);
        List<PruneJob.Run> runs = methods.stream()
                .map(entry -> new PruneJob.Run(this.methods.of(entry, methods, size != null),
                        calibration.of(entry, several), search))
                .toList();
        Target target = target(methods);
        PerplexityOptions perplexity = perplexity();
        ComputeChoice choice = choice();
        Saving saving = saving().reading(source().onDisk().stream());
        Optional<Healing.Options> how = heal ? Optional.of(healing.options()) : Optional.empty();
        // Last, so that a wrong value is refused before anything is downloaded.
        return new PruneJob(new PruneJob.Options(folder(), runs, target, perplexity, how, choice, saving, everyStep,
                resumption(), List.of(), keepPattern), watch, (name, step) -> onStep.accept(Step.of(name, step)));
    }

    private Target target(List<Methods.Entry<?>> methods) {
        if (size != null) {
            return size;
        }
        if (methods.stream().map(Methods.Entry::method)
                .allMatch(one -> one instanceof Laco || one instanceof Manual)) {
            return new Target.OfMethod();
        }
        throw new UsageException("layers(...) is missing; say how many layers are to be left");
    }

    /** What does nothing is refused rather than ignored. */
    private void requireHealedOrNotSaid() {
        if (!heal && healing.isSaid()) {
            throw new UsageException(
                    "healScope(...), healTargets(...), healWeights(...), healPasses(...) and healSeam(...) say how to heal, but nothing is healed without"
                            + " heal(); call that too, or leave them out");
        }
    }

    private void requireDataOrNotSaid(List<Methods.Entry<?>> methods) {
        boolean said = !datasets.isEmpty() || samples.isPresent() || tokens.isPresent()
                || seed != CalibrationSet.DEFAULT_SEED;
        if (said && !heal && methods.stream().allMatch(entry -> entry.method().needs() == Needs.WEIGHTS)) {
            throw new UsageException(
                    "calibrateOn(...), samples(...), calibrationTokens(...) and seed(...) say what layers are measured on, but "
                            + this.methods.name() + " looks at the weights alone; leave them out");
        }
    }
}
