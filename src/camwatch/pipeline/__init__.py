"""The only place that knows the order: scenes → registration → search → judgement → report."""
