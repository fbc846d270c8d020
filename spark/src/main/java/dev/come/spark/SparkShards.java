package dev.come.spark;

import dev.come.Progress;
import dev.come.calibration.Asked;
import dev.come.calibration.AskedForSums;
import dev.come.calibration.LargeQuestion;
import dev.come.calibration.LargeQuestion.Total;
import dev.come.calibration.LargeSums;
import dev.come.calibration.Question;
import dev.come.calibration.Question.Range;
import dev.come.calibration.Recipe;
import dev.come.calibration.RemoteShards;
import dev.come.calibration.SumInPieces;
import dev.come.model.LayerWeights;
import dev.come.run.Message;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerNode.Trained;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import java.io.Serializable;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import org.apache.spark.SparkContext;
import org.apache.spark.broadcast.Broadcast;

/** Shards that executors own: each stays with the executor that has it, as long as that lives. */
final class SparkShards implements RemoteShards {
    private final Recipe recipe;
    private final Map<String, String> shipped;
    private final Broadcast<Recipe> sent;
    private final LayerParcels parcels;
    private final Executors executors;
    private Context context;

    SparkShards(SparkContext spark, Recipe recipe, LayerStore store, Map<String, String> shipped) {
        this.recipe = recipe;
        this.shipped = shipped;
        this.sent = spark.broadcast(recipe, Executors.tag(Recipe.class));
        this.parcels = new LayerParcels(spark, store);
        this.executors = new Executors(spark, parcels);
        this.context = new Context(LayerStack.dense(store.config().layers()), List.of(), 0, null);
    }

    @Override
    public int parallel() {
        return Math.clamp(executors.parallel(), 1, recipe.shards().size());
    }

    @Override
    public <A extends Serializable, S extends LargeSums> Total<A, S> sum(LargeQuestion<A, S> question, Range chunks,
            Progress.Task task) {
        try (SumInPieces<A, S> sum = new SumInPieces<>(question, parcels.store())) {
            executors.sum(new Summing(sent, shipped), asked(chunks), Message.of(new AskedForSums(context, question)),
                    task, sum);
            return sum.total();
        }
    }

    @Override
    public Trained lend(LayerNode node, int position, LayerWeights weights) {
        return parcels.add(node, position, weights);
    }

    @Override
    public void enter(Context about) {
        context = about; // goes along with the next question
    }

    @Override
    public <A extends Serializable> List<A> ask(Question<A> question, Range chunks, Progress.Task task) {
        return ask(question, asked(chunks), task);
    }

    /** The shards that have some of the chunks. */
    private List<Integer> asked(Range chunks) {
        return IntStream.range(0, recipe.shards().size())
                .filter(shard -> !recipe.range(shard).with(chunks).isEmpty()).boxed().toList();
    }

    @Override
    public <A extends Serializable> A askOne(Question<A> question) {
        return ask(question, List.of(0), _ -> {
        }).getFirst();
    }

    private <A extends Serializable> List<A> ask(Question<A> question, List<Integer> asked, Progress.Task task) {
        Map<Integer, A> answers = new HashMap<>();
        executors.send(new Answering<A>(sent, shipped), asked, Map.of(-1, Message.of(new Asked<>(context, question))),
                task,
                (answer, shard) -> answers.put(shard, answer));
        return asked.stream().map(shard -> Objects.requireNonNull(answers.get(shard))).toList();
    }

    /** What an executor does with a question: asks the shard, after it has made it if need be. */
    private record Answering<A extends Serializable>(Broadcast<Recipe> recipe,
            Map<String, String> shipped) implements Task.Work<A> {
        @Override
        public Workplace place(String run, Path localFolder) {
            return Workplace.of(run, recipe.value().model(), shipped, localFolder);
        }

        @Override
        public A answer(Workplace place, int number, Object content, int threads, Progress.Task told) {
            @SuppressWarnings("unchecked") // what the driver has sent
            Asked<A> asked = (Asked<A>) content;
            return asked.answer(place.shard(recipe.value(), number, threads), told);
        }

        @Override
        public void failed(Workplace place, int number) {
            place.forget(number);
        }
    }

    /** What an executor does with a question for sums. */
    private record Summing(Broadcast<Recipe> recipe, Map<String, String> shipped) implements Sums.Work {
        @Override
        public Workplace place(String run, Path localFolder) {
            return Workplace.of(run, recipe.value().model(), shipped, localFolder);
        }

        @Override
        public Sums.Opened answer(Workplace place, int number, Object content, int threads, Progress.Task told) {
            return new Sums.Opened(((AskedForSums) content).answer(place.shard(recipe.value(), number, threads), told));
        }

        @Override
        public void failed(Workplace place, int number) {
            place.forget(number);
        }
    }

    @Override
    public void close() {
        executors.close();
        sent.destroy();
    }
}
