package dev.come.job;

import dev.come.ComeException;
import dev.come.Progress;
import dev.come.evaluate.Perplexity;
import dev.come.job.PruneJob.Failure;
import dev.come.job.PruneJob.Result;
import dev.come.job.PruneJob.Results;
import dev.come.model.ModelConfig;
import dev.come.prune.Measurement;
import dev.come.prune.PruningPlan;
import dev.come.report.Comparison;
import dev.come.run.LossesElsewhere;
import dev.come.run.StackLosses;
import dev.come.stack.LayerStack;
import dev.come.text.CalibrationSet;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.SequencedMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Measures what methods have made, all on the same tokens, and has it written. A method that cannot be measured or written does
 * not keep the others from it.
 */
final class PruneResults {
    private final PruneSession session;

    PruneResults(PruneSession session) {
        this.session = session;
    }

    /** What was measured on the result of a method; losses only where several are compared and have tokens. */
    private record Measured(MethodRun run, OptionalDouble denseLoss, OptionalDouble loss, Evaluations evaluations) {}

    /**
     * What was measured on texts.
     *
     * @param beforeHealing the same on what the method left, where it was healed
     */
    private record Evaluations(List<Measurement> all, List<Measurement> beforeHealing) {
        Evaluations() {
            this(new ArrayList<>(), new ArrayList<>());
        }
    }

    /** The result of one method. */
    Result of(MethodRun run) {
        return save(measure(List.of(run), Optional.empty()).getFirst());
    }

    /** The results of several methods with their losses on the calibration set, where one of them has tokens. */
    Results of(List<MethodRun> runs, List<Failure> failures) {
        session.calibrations().forget();
        Optional<CalibrationSet> set = runs.stream().map(MethodRun::run).filter(PruneJob.Run::needsTokens).findFirst()
                .map(session::set);
        List<Failure> all = new ArrayList<>(failures);
        List<Measured> measured = measureAll(runs, set, all);
        List<Result> results = new ArrayList<>();
        for (Measured one : measured) {
            unlessItFails(one.run, () -> results.add(save(one)), all);
        }
        return new Results(results, all, measured.isEmpty() ? OptionalDouble.empty() : measured.getFirst().denseLoss,
                set.map(tokens -> tokens.facts().dataset()).orElse(""));
    }

    /** All together, which runs once what they have in common; if that fails, each by itself. */
    private List<Measured> measureAll(List<MethodRun> runs, Optional<CalibrationSet> set, List<Failure> failures) {
        try {
            return measure(runs, set);
        } catch (ComeException e) {
            Interruptible.requireOthersCanGoOn(e);
            List<Measured> measured = new ArrayList<>();
            runs.forEach(run -> unlessItFails(run, () -> measured.addAll(measure(List.of(run), set)), failures));
            return measured;
        }
    }

    private void unlessItFails(MethodRun run, Runnable work, List<Failure> failures) {
        try {
            work.run();
        } catch (ComeException e) {
            Interruptible.requireOthersCanGoOn(e);
            failures.add(new Failure(run.name(), e));
            session.progress().note(run.name() + ": " + e.getMessage());
        }
    }

    private List<Measured> measure(List<MethodRun> runs, Optional<CalibrationSet> set) {
        session.calibrations().forget();
        List<OptionalDouble> losses = set.filter(_ -> config().outputProjection()).map(tokens -> losses(runs, tokens))
                .orElse(Collections.nCopies(1 + runs.size(), OptionalDouble.empty()));
        List<Evaluations> evaluations = evaluate(runs);
        return IntStream.range(0, runs.size())
                .mapToObj(i -> new Measured(runs.get(i), losses.getFirst(), losses.get(1 + i), evaluations.get(i)))
                .toList();
    }

    /** The loss of the dense model, then those of the results. */
    private List<OptionalDouble> losses(List<MethodRun> runs, CalibrationSet set) {
        List<LayerStack> stacks = Stream.concat(Stream.of(LayerStack.dense(config().layers())),
                runs.stream().map(one -> one.plan().last())).toList();
        try (StackLosses measure = new StackLosses(session.store(), stacks, set.sequences(), session.compute(),
                session.options().compute().memory());
                Progress.Task task = session.progress().begin("loss of all results", measure.runs(), "windows",
                        set.sequences().count())) {
            List<double[]> losses = session.machines().with(session.store(), session.compute(), others -> others
                    .map(machines -> LossesElsewhere.means(machines, stacks, set.sequences(), task))
                    .orElseGet(() -> measure.measure(task)));
            return losses.stream().map(windows -> Arrays.stream(windows).average()).toList();
        }
    }

    private ModelConfig config() {
        return session.model().config();
    }

    private Result save(Measured measured) {
        MethodRun run = measured.run;
        List<Path> folders = run.save(measured.evaluations.all, measured.evaluations.beforeHealing);
        PruningPlan plan = run.plan();
        return new Result(plan, folders, config().parameters(config().layers()),
                config().parameters(plan.last().size()), run.compute().dtypeName(), run.choosing(), run.healing(),
                run.peakBytes(), measured.loss, run.isDone());
    }

    private List<Evaluations> evaluate(List<MethodRun> runs) {
        List<List<LayerStack>> wanted = runs.stream().map(MethodRun::plan)
                .map(plan -> session.options().continueSaving()
                        ? plan.stacksBySize()
                        : List.of(LayerStack.dense(plan.layers()), plan.last()))
                .toList();
        List<LayerStack> before = runs.stream().map(MethodRun::plan).map(PruningPlan::beforeHealing).toList();
        List<LayerStack> stacks = Stream.concat(wanted.stream().flatMap(List::stream), before.stream()).distinct()
                .toList();
        List<Evaluations> evaluations = runs.stream().map(_ -> new Evaluations()).toList();
        for (List<Perplexity> perplexities : session.machines().perplexities(session.store(), stacks, session.texts(),
                session.compute(), session.progress())) {
            for (int i = 0; i < runs.size(); i++) {
                for (LayerStack stack : wanted.get(i)) {
                    evaluations.get(i).all.add(Measurements.of(stack.size(), perplexities.get(stacks.indexOf(stack))));
                }
                if (runs.get(i).plan().isHealed()) {
                    evaluations.get(i).beforeHealing
                            .add(Measurements.of(before.get(i).size(),
                                    perplexities.get(stacks.indexOf(before.get(i)))));
                }
            }
        }
        return evaluations;
    }

    /** What came out of several methods side by side; the methods in their order, those that failed last. */
    static Comparison comparison(Results all) {
        List<Comparison.Row> rows = new ArrayList<>();
        SequencedMap<String, Double> dense = new LinkedHashMap<>();
        int layers = 0;
        for (Result result : all.results()) {
            PruningPlan plan = result.plan();
            layers = plan.layers();
            dense.putAll(perplexities(plan, layers));
            rows.add(new Comparison.Row(plan.settings().path("method").asString(), plan.last().size(),
                    plan.last().tree(), result.calibrationLoss(), perplexities(plan, plan.last().size()),
                    result.choosing(), result.peakBytes(), ""));
        }
        all.failures().forEach(failure -> rows
                .add(Comparison.Row.failed(failure.method(), String.valueOf(failure.reason().getMessage()))));
        return new Comparison(layers, all.lossName(), all.denseLoss(), dense, rows);
    }

    private static SequencedMap<String, Double> perplexities(PruningPlan plan, int layers) {
        SequencedMap<String, Double> values = new LinkedHashMap<>();
        plan.evaluations().stream().filter(evaluation -> evaluation.layers() == layers)
                .forEach(evaluation -> values.put(evaluation.metric(), evaluation.value()));
        return values;
    }
}
