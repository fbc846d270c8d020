package dev.come.job;

import dev.come.ComeException;
import dev.come.FailedException;
import dev.come.InterruptedRunException;
import dev.come.NothingToDoException;
import dev.come.Progress;
import dev.come.UsageException;
import dev.come.heal.Healing;
import dev.come.prune.Methods;
import dev.come.prune.PruningMethod;
import dev.come.prune.PruningMethod.Needs;
import dev.come.prune.PruningPlan;
import dev.come.prune.PruningStep;
import dev.come.report.Comparison;
import dev.come.text.CalibrationSet;
import dev.come.text.SearchWindows;
import dev.come.text.TextSource.Library;
import dev.come.text.WindowLength;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.SequencedMap;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * {@code come prune}: chooses what goes, and writes the smaller model and the record of how it was made. Several
 * methods can do so too, each into a folder of its own; they share what they measure on the dense model.
 */
public final class PruneJob {
    private final Options options;
    private final Progress progress;
    private final BiConsumer<String, PruningStep> onStep;

    /**
     * A method and what it measures on.
     *
     * @param calibration not read by a method that looks at weights only
     * @param search the part of it that layers are chosen on; absent: all of it
     */
    public record Run(PruningMethod method, CalibrationSet.Source calibration, Optional<SearchWindows> search) {
        /** A method that measures on all that it is healed on. */
        public Run(PruningMethod method, CalibrationSet.Source calibration) {
            this(method, calibration, Optional.empty());
        }

        /**
         * A method on the data that {@code come prune} takes for it where nothing else is asked for.
         *
         * @param library where the corpus lies
         * @param length tokens in a window
         */
        public static Run onItsData(PruningMethod method, Library library, WindowLength length) {
            return new Run(method, Methods.of(method).data().sample(library, length));
        }

        boolean needsTokens() {
            return method.needs() != Needs.WEIGHTS;
        }
    }

    /**
     * What the user asks for.
     *
     * @param model the folder of the dense model
     * @param runs one, or several methods with different names
     * @param target how small the model is to become
     * @param perplexity texts to measure perplexity on; may be none
     * @param healing how what is left is refitted to the dense model, on the tokens of its method, if it is
     * @param saving where one method's model goes, or the folder in which each of several gets a folder
     * @param continueSaving also write the model of every step, each into a folder of its own below the target
     * @param resumption what becomes of an interrupted run; with {@link Resumption#RESTART} methods that are done are done again
     * @param refused methods that were asked for too, whose options cannot be; they do not keep the others from it
     * @param keepPattern whether only edits are allowed after which the kinds of layers repeat as before
     */
    public record Options(Path model, List<Run> runs, Target target, PerplexityOptions perplexity,
            Optional<Healing.Options> healing, ComputeChoice compute, Saving saving, boolean continueSaving,
            Resumption resumption, List<Failure> refused, boolean keepPattern) {
        public Options {
            runs = List.copyOf(runs);
            OneMachine.check(compute, runs.stream().map(Run::method).toList(), healing);
            refused = List.copyOf(refused);
            saving = saving.reading(Stream.of(Stream.of(model), perplexity.paths(),
                    runs.stream().filter(run -> run.needsTokens() || healing.isPresent())
                            .flatMap(run -> run.calibration.paths()))
                    .flatMap(Function.identity()));
        }

        /** Without a pattern that is kept. */
        public Options(Path model, List<Run> runs, Target target, PerplexityOptions perplexity,
                Optional<Healing.Options> healing, ComputeChoice compute, Saving saving, boolean continueSaving,
                Resumption resumption, List<Failure> refused) {
            this(model, runs, target, perplexity, healing, compute, saving, continueSaving, resumption, refused, false);
        }

        /** Without a method that was refused. */
        public Options(Path model, List<Run> runs, Target target, PerplexityOptions perplexity,
                Optional<Healing.Options> healing, ComputeChoice compute, Saving saving, boolean continueSaving,
                Resumption resumption) {
            this(model, runs, target, perplexity, healing, compute, saving, continueSaving, resumption,
                    List.of());
        }

        /** Whether several methods are compared. */
        boolean several() {
            return runs.size() + refused.size() > 1;
        }
    }

    /**
     * What came out of one method.
     *
     * @param folders the folders that were written
     * @param denseParameters parameters before
     * @param parameters parameters after
     * @param dtype the type that was computed in
     * @param choosing the time that choosing the layers took, without perplexity and writing; measurements on the dense model
     *        that several methods share count for the first of them
     * @param healing the time that healing took
     * @param peakBytes the most memory the process had meanwhile, where the system tells
     * @param calibrationLoss the loss on the calibration set, where several methods are compared
     * @param resumed whether it had been done before
     */
    public record Result(PruningPlan plan, List<Path> folders, long denseParameters, long parameters, String dtype,
            Duration choosing, Duration healing, OptionalLong peakBytes, OptionalDouble calibrationLoss,
            boolean resumed) {}

    /**
     * A method that did not get there.
     *
     * @param method its name
     */
    public record Failure(String method, ComeException reason) {}

    /**
     * What came out of all methods.
     *
     * @param results of those that got there, in the order that was asked for
     * @param denseLoss the loss of the dense model on the calibration set, where several methods are compared
     * @param lossName what the losses were measured on
     */
    public record Results(List<Result> results, List<Failure> failures, OptionalDouble denseLoss, String lossName) {
        /** The same side by side; the methods in their order, those that failed last. */
        public Comparison comparison() {
            return PruneResults.comparison(this);
        }
    }

    public PruneJob(Options options, Progress progress) {
        this(options, progress, (_, _) -> {
        });
    }

    /**
     * Plans the job.
     *
     * @param onStep is told of each step of a method, by its name, once the step is decided and kept
     */
    public PruneJob(Options options, Progress progress, BiConsumer<String, PruningStep> onStep) {
        this.options = options;
        this.onStep = onStep;
        this.progress = Interruptible.asking(progress);
    }

    /**
     * Does the job for one method.
     *
     * @throws NothingToDoException if the method finds nothing to merge or remove
     * @throws FailedException if another run writes to the target
     * @throws InterruptedRunException if this thread is interrupted meanwhile; the same job then goes on from there
     * @throws UsageException if an interrupted run with other settings lies beside the target
     */
    public Result run() {
        return Interruptible.job(this::runOne);
    }

    private Result runOne() {
        try (OpenModel model = new OpenModel(options.model, options.compute.tokenizers());
                PruneSession session = new PruneSession(model, options, progress, onStep)) {
            session.begin();
            MethodRun run = session.prepare(options.runs.getFirst());
            session.requireRoom(List.of(run));
            session.expect();
            run.choose();
            session.expect();
            run.heal();
            session.expect();
            return new PruneResults(session).of(run);
        }
    }

    /** Does the job for all methods; one that does not get there does not keep the others from it. */
    public Results runAll() {
        if (options.runs.isEmpty()) {
            return new Results(List.of(), options.refused, OptionalDouble.empty(), "");
        }
        new ComparisonFolder(options).check();
        return Interruptible.job(this::runEach);
    }

    private Results runEach() {
        options.refused.forEach(this::tell);
        try (OpenModel model = new OpenModel(options.model, options.compute.tokenizers());
                PruneSession session = new PruneSession(model, options, progress, onStep)) {
            session.begin();
            List<Failure> failures = new ArrayList<>(options.refused);
            List<MethodRun> prepared = new ArrayList<>();
            for (Run run : options.runs) {
                try {
                    prepared.add(session.prepare(run));
                } catch (ComeException e) {
                    Interruptible.requireOthersCanGoOn(e);
                    failures.add(tell(new Failure(run.method.name(), e)));
                }
            }
            session.requireRoom(prepared);
            session.expect();
            List<MethodRun> together = prepared.stream()
                    .collect(Collectors.groupingBy(MethodRun::sharedKey, LinkedHashMap::new, Collectors.toList()))
                    .values().stream().flatMap(List::stream).toList();
            List<MethodRun> chosen = those(session, together, MethodRun::choose, failures);
            List<MethodRun> healed = new ArrayList<>(those(session, chosen, MethodRun::heal, failures));
            if (healed.isEmpty()) {
                return new Results(List.of(), failures, OptionalDouble.empty(), "");
            }
            healed.sort(Comparator.comparingInt(one -> options.runs.indexOf(one.run())));
            Results results = new PruneResults(session).of(healed, failures);
            if (results.results().isEmpty()) {
                return results;
            }
            new ComparisonFolder(options).write(results.comparison());
            session.end();
            return results;
        }
    }

    /** Those of the methods that get through some work; the others are added to the failures. */
    private List<MethodRun> those(PruneSession session, List<MethodRun> runs, Consumer<MethodRun> work,
            List<Failure> failures) {
        List<MethodRun> through = new ArrayList<>();
        for (MethodRun run : runs) {
            try {
                work.accept(run);
                session.expect();
                through.add(run);
            } catch (ComeException e) {
                Interruptible.requireOthersCanGoOn(e);
                failures.add(tell(new Failure(run.name(), e)));
            }
        }
        return through;
    }

    /** Tells at once of what is told at the end too. */
    private Failure tell(Failure failure) {
        progress.note(failure.method + ": " + failure.reason.getMessage());
        return failure;
    }

    /** What the job would do and need; writes nothing. */
    public Estimates estimate() {
        SequencedMap<String, Estimate> estimates = new LinkedHashMap<>();
        List<Failure> failures = new ArrayList<>(options.refused);
        try (OpenModel model = new OpenModel(options.model, options.compute.tokenizers());
                PruneSession session = new PruneSession(model, options, progress, onStep)) {
            for (Run run : options.runs) {
                try {
                    estimates.put(run.method.name(), session.estimate(run));
                } catch (ComeException e) {
                    if (!options.several()) {
                        throw e;
                    }
                    failures.add(new Failure(run.method.name(), e));
                }
            }
        }
        return new Estimates(estimates, failures);
    }
}
