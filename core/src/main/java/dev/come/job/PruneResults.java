package dev.come.job;

import dev.come.Progress;
import dev.come.evaluate.Perplexity;
import dev.come.job.PruneJob.Failure;
import dev.come.job.PruneJob.Result;
import dev.come.job.PruneJob.Results;
import dev.come.model.ModelConfig;
import dev.come.prune.PruningPlan;
import dev.come.prune.PruningPlan.Measurement;
import dev.come.run.StackLosses;
import dev.come.stack.LayerStack;
import dev.come.text.CalibrationSet;
import dev.come.text.PerplexityText;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.Stream;

/** Measures what methods have made, all on the same tokens, and has it written. */
final class PruneResults {
    private final PruneSession session;

    PruneResults(PruneSession session) {
        this.session = session;
    }

    /** The result of one method. */
    Result of(MethodRun run) {
        return write(List.of(run), List.of()).getFirst();
    }

    /** The results of several methods with their losses on the calibration set, where one of them has tokens. */
    Results of(List<MethodRun> runs, List<Failure> failures) {
        Optional<MethodRun> withTokens = runs.stream().filter(one -> one.run().needsTokens()).findFirst();
        if (withTokens.isEmpty()) {
            return new Results(write(runs, List.of()), failures, OptionalDouble.empty(), "");
        }
        session.calibrations().forget();
        CalibrationSet set = session.set(withTokens.get().run());
        List<LayerStack> stacks = Stream.concat(Stream.of(LayerStack.dense(config().layers())),
                runs.stream().map(one -> one.plan().last())).toList();
        List<Double> losses;
        try (StackLosses measure = new StackLosses(session.store(), stacks, set.sequences(), session.compute(),
                session.options().compute().memory());
                Progress.Task task = session.progress().begin("loss of all results", measure.runs(), "windows")) {
            losses = measure.measure(task).stream()
                    .map(windows -> Arrays.stream(windows).average().orElseThrow()).toList();
        }
        return new Results(write(runs, losses.subList(1, losses.size())), failures,
                OptionalDouble.of(losses.getFirst()), set.facts().dataset());
    }

    private ModelConfig config() {
        return session.model().config();
    }

    private List<Result> write(List<MethodRun> runs, List<Double> losses) {
        session.calibrations().forget();
        List<List<Measurement>> evaluations = evaluate(runs);
        List<Result> results = new ArrayList<>();
        for (int i = 0; i < runs.size(); i++) {
            MethodRun run = runs.get(i);
            List<Path> folders = run.save(evaluations.get(i));
            PruningPlan plan = run.plan();
            results.add(new Result(plan, folders, config().parameters(config().layers()),
                    config().parameters(plan.last().size()), run.compute().dtypeName(), run.choosing(), run.healing(),
                    run.peakBytes(), losses.isEmpty() ? OptionalDouble.empty() : OptionalDouble.of(losses.get(i)),
                    run.isDone()));
        }
        return results;
    }

    private List<List<Measurement>> evaluate(List<MethodRun> runs) {
        List<List<LayerStack>> wanted = runs.stream().map(MethodRun::plan)
                .map(plan -> session.options().continueSaving()
                        ? plan.stacksBySize()
                        : List.of(LayerStack.dense(plan.layers()), plan.last()))
                .toList();
        List<LayerStack> stacks = wanted.stream().flatMap(List::stream).distinct().toList();
        List<List<Measurement>> evaluations = new ArrayList<>();
        wanted.forEach(_ -> evaluations.add(new ArrayList<>()));
        for (PerplexityText text : session.texts()) {
            List<Perplexity> perplexities = Perplexity.measure(session.store(), stacks, text, session.compute(),
                    session.options().compute().memory(), session.progress());
            for (int i = 0; i < wanted.size(); i++) {
                for (LayerStack stack : wanted.get(i)) {
                    Perplexity perplexity = perplexities.get(stacks.indexOf(stack));
                    evaluations.get(i).add(new Measurement(stack.size(), perplexity.metric(), perplexity.value()));
                }
            }
        }
        return evaluations;
    }
}
