//! A deployment: what is to run, by which agent.

use crate::workspace::{entity::entity, json::Json};

entity! {
    /// A deployment: what is to run, by which agent.
    Deployment {
        id: [id],
        keys: [],
        created_at: |_| None,
        prepare: None,
        /// Its id.
        id: String = "id",
        /// Its name.
        name: String = "name",
        /// A name for addresses.
        slug: String = "slug",
        /// What it is for.
        description: Option<String> = "description",
        /// The id of the agent that runs its jobs.
        job_agent_id: Option<String> = "jobAgentId",
        /// How the agent is to run it.
        job_agent_config: Json = "jobAgentConfig",
        /// The agents, where there are several.
        job_agents: Option<Json> = "jobAgents",
        /// An object: labels and the like.
        metadata: Json = "metadata",
        /// Which resources are meant.
        resource_selector: Option<Json> = "resourceSelector",
    }
}
