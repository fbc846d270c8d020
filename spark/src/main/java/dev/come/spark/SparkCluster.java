package dev.come.spark;

import dev.come.Progress;
import dev.come.calibration.Cluster;
import dev.come.calibration.Recipe;
import dev.come.calibration.RemoteShards;
import dev.come.run.ModelRecipe;
import dev.come.run.OtherMachines;
import dev.come.stack.LayerStore;
import org.apache.spark.SparkContext;

/** The executors of a Spark application. */
final class SparkCluster implements Cluster {
    private final SparkContext context;
    private final String master;
    private final Progress progress;

    SparkCluster(SparkContext context, String master, Progress progress) {
        this.context = context;
        this.master = master;
        this.progress = progress;
    }

    @Override
    public RemoteShards shards(Recipe recipe, LayerStore store) {
        progress.note("Calibration in " + recipe.shards().size() + (recipe.shards().size() == 1 ? " shard" : " shards")
                + " on "
                + master);
        return new SparkShards(context, recipe, store);
    }

    @Override
    public OtherMachines with(ModelRecipe model, LayerStore store, long memory) {
        return new SparkMachines(context, model, store, memory);
    }

    @Override
    public void close() {
        context.stop();
    }
}
