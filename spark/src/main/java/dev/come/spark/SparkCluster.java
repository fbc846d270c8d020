package dev.come.spark;

import dev.come.Progress;
import dev.come.calibration.Cluster;
import dev.come.calibration.ClusterChoice;
import dev.come.calibration.Recipe;
import dev.come.calibration.RemoteShards;
import dev.come.run.ModelRecipe;
import dev.come.run.OtherMachines;
import dev.come.stack.LayerStore;
import java.util.Map;
import org.apache.spark.SparkContext;

/** The executors of a Spark application. */
final class SparkCluster implements Cluster {
    private final SparkContext context;
    private final ClusterChoice choice;
    private final Progress progress;
    private final Tally tally;

    /** @param tally has counted since the context was there */
    SparkCluster(SparkContext context, ClusterChoice choice, Tally tally, Progress progress) {
        this.context = context;
        this.choice = choice;
        this.progress = progress;
        this.tally = tally;
    }

    @Override
    public RemoteShards shards(Recipe recipe, LayerStore store) {
        progress.note("Calibration in " + recipe.shards().size() + (recipe.shards().size() == 1 ? " shard" : " shards")
                + " on "
                + choice.master());
        return new SparkShards(context, recipe, store, shipped(store));
    }

    @Override
    public OtherMachines with(ModelRecipe model, LayerStore store, long memory) {
        return new SparkMachines(context, model, store, memory, shipped(store));
    }

    /** The files that executors have of a model besides their own, as {@link ShippedModel} tells. */
    private Map<String, String> shipped(LayerStore store) {
        return choice.shipModel() ? ShippedModel.send(context, store.checkpoint()) : Map.of();
    }

    @Override
    public void close() {
        progress.note(tally.line(Executors.parallel(context)));
        context.stop();
    }
}
