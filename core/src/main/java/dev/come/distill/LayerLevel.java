package dev.come.distill;

import dev.come.Progress;
import dev.come.distill.Distillation.Subject;
import dev.come.run.LayerRunner;
import dev.come.run.StateStore;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.stack.TrainedLayers;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Trains layers by themselves on the way up the teacher. The teacher's layers are run one after the other over all tokens, as far
 * as they are needed, and a layer learns as soon as the states are there that it should give.
 */
final class LayerLevel {
    private final LayerQueue.Work work;
    private final Subject subject;
    private final LayerRunner runner;
    private final StateStore states;
    private final TeacherStates teacher;

    /** @param teacher at its first boundary */
    LayerLevel(LayerQueue.Work work, Subject subject, LayerRunner runner, StateStore states, TeacherStates teacher) {
        this.work = work;
        this.subject = subject;
        this.runner = runner;
        this.states = states;
        this.teacher = teacher;
    }

    /**
     * Goes up the teacher.
     *
     * @param top the boundary to reach
     * @param kept boundaries that are wanted afterwards
     * @param missing layers to train, by their positions
     * @param processes how many processes train layers that do not need each other; 0: this one does
     * @param folder the run's folder
     */
    void run(int top, Set<Integer> kept, List<LayerTraining> missing, int processes, Path folder) {
        try (Progress.Task way = work.progress().begin("going up the teacher", top, "layers")) {
            if (work.options().students().inputs() == Students.Inputs.OWN && !missing.isEmpty()) {
                trainOnOwnStates(way, kept, missing);
            } else {
                try (LayerQueue queue = processes > 0
                        ? new ProcessQueue(work, subject, processes, folder, teacher)
                        : new OwnQueue(work, runner, teacher)) {
                    trainOnTheTeachersStates(way, kept, missing, queue);
                    queue.finish();
                }
            }
            climb(top, way, kept);
        }
    }

    private void trainOnTheTeachersStates(Progress.Task way, Set<Integer> kept, List<LayerTraining> missing,
            LayerQueue queue) {
        List<LayerTraining> left = new ArrayList<>(missing);
        int last = missing.stream().mapToInt(layer -> layer.span().end()).max().orElse(0);
        while (teacher.reached() < last) {
            Set<Integer> needed = new HashSet<>(kept);
            left.forEach(layer -> needed.add(layer.span().begin()));
            climb(teacher.reached() + 1, way, needed);
            List<LayerTraining> ready = left.stream().filter(layer -> layer.span().end() == teacher.reached()).toList();
            ready.forEach(queue::train);
            left.removeAll(ready);
        }
    }

    /** The pruned model goes up beside the teacher, each layer with what it has learned. */
    private void trainOnOwnStates(Progress.Task way, Set<Integer> kept, List<LayerTraining> missing) {
        LayerStack stack = subject.stack();
        int layers = subject.store().config().layers();
        List<Students.Span> spans = work.options().students().spans(stack, layers);
        int first = work.options().students().unchanged(stack, layers);
        int last = missing.stream().mapToInt(LayerTraining::position).max().orElseThrow();
        Path learned = missing.getFirst().folder();
        climb(first, way, kept);
        try (OwnStates own = new OwnStates(runner, work.chunks(), states, teacher);
                TrainedLayers trained = new TrainedLayers(learned,
                        subject.plan().toAbsolutePath().resolveSibling(""))) {
            LayerStore store = subject.store().with(trained);
            for (int position = first; position <= last; position++) {
                LayerTraining layer = missing.getFirst().at(position);
                climb(spans.get(position).end(), way, kept);
                if (missing.contains(layer)) {
                    Examples examples = teacher.examples(spans.get(position), work.training(), own::get);
                    try (Progress.Task task = work.begin(layer, examples)) {
                        layer.run(examples, runner.workers(), work.compute(), work.progress(), task);
                    }
                }
                if (position < last) {
                    LayerNode made = layer.made();
                    reporting("the student's layer " + made.tree(), () -> own.next(store, made));
                }
            }
        }
    }

    /** Layers of the pruned model that are run over all tokens to show those above what they give. */
    static int ownRuns(LayerQueue.Work work, Subject subject, List<LayerTraining> missing) {
        Students students = work.options().students();
        return students.inputs() == Students.Inputs.TEACHER || missing.isEmpty()
                ? 0
                : missing.stream().mapToInt(LayerTraining::position).max().orElseThrow()
                        - students.unchanged(subject.stack(), subject.store().config().layers());
    }

    private void climb(int boundary, Progress.Task way, Set<Integer> needed) {
        while (teacher.reached() < boundary) {
            reporting("the teacher's layer " + teacher.reached(), teacher::next);
            teacher.keepOnly(needed);
            way.advance(1);
        }
    }

    private void reporting(String what, Runnable run) {
        try (Progress.Task task = work.progress().begin(what, work.chunks().size(), "chunks")) {
            runner.reporting(task, () -> {
                run.run();
                return true;
            });
        }
    }
}
